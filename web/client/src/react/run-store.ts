import type { Client, GenerationRequest } from '../client.js';
import { networkError, PenstockError } from '../errors.js';
import type { PenstockEvent, Usage } from '../events.js';
import { Fold, type Block, type Result } from '../fold.js';
import { newKey } from '../key.js';
import { Pocket } from '../pocket.js';
import { Store, type Batch } from './store.js';

export type Status = 'idle' | 'connecting' | 'streaming' | 'reconnecting' | 'done' | 'stopped' | 'error';

export interface Stats {
  /** Milliseconds from the start to the first piece of the answer; unknown to a page that picked it up. */
  readonly ttft: number | undefined;
  /** As the provider counted them, or the pieces that came so far; of an answer that was picked up, those since. */
  readonly tokens: number;
  /** Tokens a second since the first piece that came live. */
  readonly rate: number | undefined;
  readonly reconnects: number;
}

export interface StreamState {
  readonly id: string | undefined;
  /** `provider/model`, once it has begun to answer. */
  readonly model: string | undefined;
  readonly text: string;
  readonly reasoning: string;
  readonly blocks: readonly Block[];
  readonly status: Status;
  readonly finish: Result['finish'] | undefined;
  readonly usage: Usage | undefined;
  readonly error: PenstockError | undefined;
  readonly stats: Stats;
}

export interface StoreOptions {
  client: Client;
  /** Tells this stream from others of the page, after a reload too. */
  name: string;
  /** Where a running generation is kept over a reload: `sessionStorage` without it; `null` for nowhere. */
  storage: Storage | null | undefined;
  batch: Batch;
}

interface Task {
  key: string;
  request?: GenerationRequest;
  id?: string;
}

/** One generation as a page shows it. */
export class RunStore extends Store<StreamState> {
  #client: Client;
  #pocket: Pocket<Task>;
  #task: Task | undefined;
  #starting: Promise<string> | undefined;
  #reading: AbortController | undefined;
  #fold = new Fold();
  #status: Status = 'idle';
  #error: PenstockError | undefined;
  #times: { start?: number; first?: number; last?: number } = {};
  #deltas = 0;
  #reconnects = 0;

  constructor(options: StoreOptions) {
    super(options.batch);
    this.#client = options.client;
    this.#pocket = new Pocket(`penstock:run:${options.name}`, options.storage);
  }

  /** What tells the run that is shown from those before. */
  get key(): string | undefined {
    return this.#task?.key;
  }

  get isRunning(): boolean {
    return this.#status === 'connecting' || this.#status === 'streaming' || this.#status === 'reconnecting';
  }

  /** Starts a generation; the same key twice starts one. */
  readonly start = (request: GenerationRequest, { idempotencyKey = newKey() }: { idempotencyKey?: string } = {}): void => {
    if (this.#task?.key === idempotencyKey) return;
    this.#begin({ key: idempotencyKey, request }, Date.now());
  };

  /** Follows a generation that somebody has started. */
  readonly attach = (id: string): void => {
    if (this.#task?.id === id) return;
    this.#begin({ key: id, id });
  };

  /** Ends it on the server. */
  readonly stop = async (): Promise<void> => {
    if (!this.isRunning) return;
    const id = this.#task?.id ?? (await this.#starting);
    if (id !== undefined) await this.#client.stop(id);
  };

  /** Asks again: the same request, or the same generation where another has started it. */
  readonly retry = (): void => {
    const task = this.#task;
    if (!task || this.isRunning) return;
    if (!task.request) this.#begin({ ...task });
    // What may have been started, though we do not know, keeps its key.
    else this.#begin({ key: task.id === undefined && this.#error?.retryable ? task.key : newKey(), request: task.request }, Date.now());
  };

  /** Shows nothing. */
  forget(): void {
    this.#leave();
    this.#task = this.#error = undefined;
    this.#fold = new Fold();
    this.#status = 'idle';
    this.#pocket.save(undefined);
    this.changed('now');
  }

  protected override read(): StreamState {
    const { start, first, last } = this.#times;
    const fold = this.#fold;
    // Of one that was picked up, we know the pace only since then.
    const timed = (start === undefined ? undefined : fold.usage?.outputTokens) ?? this.#deltas;
    const seconds = first !== undefined && last! > first ? (last! - first) / 1000 : undefined;
    return {
      id: this.#task?.id,
      model: fold.model,
      text: fold.text,
      reasoning: fold.textOf('reasoning'),
      blocks: fold.blocks,
      status: this.#status,
      finish: fold.finish,
      usage: fold.usage,
      error: this.#error,
      stats: {
        ttft: start !== undefined && first !== undefined ? first - start : undefined,
        tokens: fold.usage?.outputTokens ?? this.#deltas,
        rate: seconds === undefined ? undefined : timed / seconds,
        reconnects: this.#reconnects,
      },
    };
  }

  protected override activate(): void {
    if (!this.#task) {
      const kept = this.#pocket.load();
      if (kept) this.#begin(kept);
    } else if (this.isRunning && !this.#reading) {
      void this.#follow(this.#task);
    }
  }

  // The generation goes on without us.
  protected override deactivate(): void {
    this.#leave();
  }

  #leave(): void {
    this.#reading?.abort();
    this.#reading = undefined;
  }

  #begin(task: Task, start?: number): void {
    this.#leave();
    this.#task = task;
    this.#starting = undefined;
    this.#fold = new Fold();
    this.#error = undefined;
    this.#times = start === undefined ? {} : { start };
    this.#deltas = this.#reconnects = 0;
    this.#status = 'connecting';
    this.#pocket.save(task);
    this.changed('now');
    void this.#follow(task);
  }

  async #follow(task: Task): Promise<void> {
    const reading = (this.#reading = new AbortController());
    const { signal } = reading;
    try {
      const id = task.id ?? (await (this.#starting ??= this.#start(task)));
      if (signal.aborted) return;
      const onState = (state: 'connecting' | 'streaming' | 'reconnecting') => {
        if (signal.aborted || (state === 'connecting' && this.#fold.offset >= 0)) return;
        if (state === 'reconnecting') this.#reconnects++;
        this.#status = state;
        this.changed('soon');
      };
      // One that runs already comes in one piece so far.
      if (!this.#starting && this.#fold.offset < 0) await this.#restore(id, signal);
      if (!this.#fold.finish) for await (const event of this.#client.attach(id, { after: this.#fold.offset, signal, onState })) this.#take(event);
      if (signal.aborted) return;
      this.#error = this.#fold.error;
      this.#status = this.#fold.finish === 'stopped' ? 'stopped' : this.#error ? 'error' : 'done';
    } catch (cause) {
      if (signal.aborted) return;
      this.#error = networkError(cause);
      this.#status = 'error';
    }
    this.#reading = undefined;
    this.#pocket.save(undefined);
    this.changed('now');
  }

  // Goes on though nobody looks, so that its id is not lost.
  async #start(task: Task): Promise<string> {
    const { id } = await this.#client.start(task.request!, { idempotencyKey: task.key });
    task.id = id;
    if (this.#task === task) this.#pocket.save(task);
    return id;
  }

  async #restore(id: string, signal: AbortSignal): Promise<void> {
    try {
      const snapshot = await this.#client.get(id, { signal });
      if (signal.aborted) return;
      this.#fold.restore(snapshot);
      this.changed('now');
    } catch (cause) {
      // What a retry can mend the stream waits for; and a ticket opens the stream alone.
      if (!(cause instanceof PenstockError && (cause.retryable || cause.status === 401))) throw cause;
    }
  }

  #take(event: PenstockEvent): void {
    this.#fold.apply(event);
    if (event.type === 'delta') {
      if (event.replay && this.#times.start === undefined) return this.changed('replay');
      this.#deltas++;
      this.#times.first ??= event.received;
      this.#times.last = event.received;
    } else if (event.type === 'reset') {
      this.#deltas = 0;
    }
    this.changed(event.replay ? 'replay' : 'soon');
  }
}
