import { isEnding, type PenstockEvent } from './events.js';
import { Fold, type Result } from './fold.js';
import type { ConnectionState } from './request.js';
import { PenstockError } from './errors.js';

/** Where the events of a generation come from: a connection for each reader, or one that many share. */
export interface Connection {
  /** The events after an offset, each once and in order, across every cut; ends behind the ending, or when there is none to come. */
  follow(id: string, after: number, options: FollowOptions): AsyncIterable<PenstockEvent>;
}

export interface FollowOptions {
  signal?: AbortSignal | undefined;
  onState?: ((state: ConnectionState, error?: PenstockError) => void) | undefined;
}

export interface AttachOptions extends FollowOptions {
  /** Begin after this offset, or after the event of this id; with none, at the beginning. */
  after?: number | string;
}

/** Called by a run for what is not reading. */
export interface RunServer {
  readonly connection: Connection;
  stop(id: string): Promise<unknown>;
}

/** A generation, and a place in it. Each loop over it begins at that place; to leave a loop leaves the generation running. */
export class Run implements AsyncIterable<PenstockEvent> {
  #fold = new Fold();
  #reading = 0;
  #waiting: (() => void)[] = [];

  constructor(
    /** The generation's id: whoever has it may `attach`. */
    readonly id: string,
    private readonly server: RunServer,
    private readonly after: number,
    private readonly options: FollowOptions,
  ) {}

  async *[Symbol.asyncIterator](): AsyncGenerator<PenstockEvent, void, void> {
    yield* this.#read(this.after);
  }

  /** Waits for the ending, and gives the whole answer. Rejects when it cannot be read, or the signal was aborted. */
  async done(): Promise<Result> {
    // A loop that runs reads for us; one that was left, or began in the middle, does not.
    while (this.#reading > 0 && this.#fold.finish === undefined) await new Promise<void>(resolve => this.#waiting.push(resolve));
    if (this.#fold.finish === undefined) for await (const _ of this.#read(this.#fold.offset));
    if (this.#fold.finish === undefined) throw new PenstockError({ code: 'stream_gone', message: 'The stream ended without an ending.', status: 404 });
    return this.#fold.result(this.id);
  }

  /** Ends the generation on the server, for all who watch it. One that has ended stays as it is. */
  async stop(): Promise<void> {
    await this.server.stop(this.id);
  }

  async *#read(after: number): AsyncGenerator<PenstockEvent, void, void> {
    // What is folded has no hole: a reader that begins later, or was overtaken, is not folded.
    this.#reading++;
    try {
      for await (const event of this.server.connection.follow(this.id, after, this.options)) {
        if (after <= this.#fold.offset) this.#fold.apply(event);
        after = Math.max(after, event.offset);
        yield event;
        if (isEnding(event)) return;
      }
    } finally {
      this.#reading--;
      this.#waiting.splice(0).forEach(wake => wake());
    }
  }
}
