import { networkError, PenstockError } from '../errors.js';
import { readStream } from '../request.js';
import { Store, type Batch } from './store.js';

export interface PlainState {
  /** The `data` of all tokens so far, joined. */
  readonly content: string;
  readonly isDone: boolean;
  readonly error: PenstockError | undefined;
}

/** A plain endpoint: frames of text, an end that is `[DONE]` or an event `done`. */
export class PlainStore extends Store<PlainState> {
  #content = '';
  #isDone = false;
  #error: PenstockError | undefined;
  #lastId = '';
  #reading: AbortController | undefined;

  constructor(private readonly url: string | null, private readonly init: RequestInit, batch: Batch) {
    super(batch);
  }

  protected override read(): PlainState {
    return { content: this.#content, isDone: this.#isDone, error: this.#error };
  }

  protected override activate(): void {
    if (this.url !== null && !this.#isDone && !this.#error) void this.#follow(this.url);
  }

  protected override deactivate(): void {
    this.#reading?.abort();
  }

  async #follow(url: string): Promise<void> {
    if (this.#lastId === '') this.#content = '';
    const { signal } = (this.#reading = new AbortController());
    try {
      let replies = 0;
      const send = (path: string, init: RequestInit = {}) => {
        // To ask anew for what gave no ids would begin another answer.
        if (replies++ > 0 && this.#lastId === '' && this.#content !== '') throw new PenstockError({ code: 'cut', message: 'The stream was cut, and has no ids to go on from.', status: 409 });
        const headers = new Headers(this.init.headers);
        if (this.#lastId !== '') headers.set('Last-Event-ID', this.#lastId);
        return fetch(path, { ...this.init, ...init, headers });
      };
      for await (const { frames } of readStream(send, () => url, { signal })) {
        for (const { event, data, id } of frames) {
          if (id !== '') this.#lastId = id;
          if (event === 'error') throw new PenstockError({ code: 'failed', message: data, status: 502 });
          if (event === 'done' || data === '[DONE]') return this.#end();
          this.#content += data;
        }
        this.changed('soon');
      }
      this.#end();
    } catch (cause) {
      if (signal.aborted) return;
      this.#error = networkError(cause);
      this.changed('now');
    }
  }

  #end(): void {
    this.#isDone = true;
    this.changed('now');
  }
}
