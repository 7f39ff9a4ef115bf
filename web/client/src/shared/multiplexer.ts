import { networkError } from '../errors.js';
import { offsetOf, type WireError } from '../events.js';
import { readStream, type ConnectionState, type Send } from '../request.js';

/** What one connection says to all who follow something on it. */
export type Said =
  /** An event of a generation; `prev` is the offset that came before it here. */
  | { say: 'event'; generation: string; prev: number; id: string; data: string }
  /** Nothing more comes of it. */
  | { say: 'end'; generation: string; error?: WireError }
  | { say: 'state'; state: ConnectionState }
  /** Nothing comes of anything: a retry does not mend it. */
  | { say: 'fail'; error: WireError };

// The server takes no more at once.
const most = 100;

/** Reads any number of generations over one connection, which it opens anew when one more is wanted. */
export class Multiplexer {
  /** By generation: who wants it, and how far it was read. */
  #wanted = new Map<string, { by: Set<string>; at: number }>();
  #reading: AbortController | undefined;
  #soon: ReturnType<typeof setTimeout> | undefined;

  constructor(private readonly send: Send, private readonly say: (said: Said) => void) {}

  /** Somebody wants what comes after an offset. */
  want(by: string, generation: string, after: number): void {
    const known = this.#wanted.get(generation);
    if (known) known.by.add(by);
    if (known && known.at <= after) return;
    this.#wanted.set(generation, { by: known?.by ?? new Set([by]), at: after });
    this.#restart();
  }

  /** Somebody wants it no more; without a generation, anything. */
  leave(by: string, generation?: string): void {
    for (const [id, { by: all }] of [...this.#wanted]) {
      if ((generation ?? id) !== id || !all.delete(by) || all.size > 0) continue;
      this.#wanted.delete(id);
      this.#restart();
    }
  }

  // What is wanted in one breath is asked for in one request.
  #restart(): void {
    // What it would still say is no more in line with what is wanted.
    this.#reading?.abort();
    this.#soon ??= setTimeout(() => {
      this.#soon = undefined;
      if (this.#wanted.size > 0) void this.#read();
    });
  }

  async #read(): Promise<void> {
    const { signal } = (this.#reading = new AbortController());
    const list = () => [...this.#wanted].slice(0, most).map(([id, { at }]) => (at < 0 ? id : `${id}.${at}`)).join(',');
    const onState = (state: ConnectionState) => { if (!signal.aborted && state !== 'connecting') this.say({ say: 'state', state }); };
    try {
      for await (const { frames } of readStream(this.send, () => `/v1/generations/events?streams=${list()}`, { signal, onState })) {
        for (const frame of frames) {
          if (signal.aborted) return;
          if (frame.event === 'end') this.#end(frame.data);
          else this.#event(frame.id, frame.data);
        }
        if (this.#wanted.size === 0) return;
      }
    } catch (cause) {
      if (signal.aborted) return;
      const { code, message, status, retryAfter } = networkError(cause);
      this.#wanted.clear();
      this.say({ say: 'fail', error: { code, message, status, ...(retryAfter === undefined ? {} : { retryAfterMs: retryAfter }) } });
    }
  }

  #event(id: string, data: string): void {
    const generation = id.slice(0, id.indexOf('.'));
    const wanted = this.#wanted.get(generation);
    const offset = offsetOf(id);
    if (!wanted || offset <= wanted.at) return;
    const prev = wanted.at;
    wanted.at = offset;
    this.say({ say: 'event', generation, prev, id, data });
  }

  #end(data: string): void {
    const { generation, error } = JSON.parse(data) as { generation: string; error?: WireError };
    const full = this.#wanted.size > most;
    if (!this.#wanted.delete(generation)) return;
    this.say({ say: 'end', generation, ...(error ? { error } : {}) });
    if (full) this.#restart();
  }
}
