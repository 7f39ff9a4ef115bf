import { PenstockError, errorOf, networkError } from './errors.js';
import { SseReader, type SseFrame } from './sse.js';
import { backoff, onWake, pause } from './wake.js';

export interface RequestOptions {
  /** Where the server is; the page's own origin without it. A path before `/v1` is kept. */
  baseUrl?: string | URL;
  /** Sent with every request. A function is asked before each one, so that a token may change while an answer streams. */
  headers?: HeadersInit | (() => HeadersInit | Promise<HeadersInit>);
  /** In place of the platform's own. */
  fetch?: typeof globalThis.fetch;
}

/** Sends one request to the server: no retry, no look at the status. */
export type Send = (path: string, init?: RequestInit) => Promise<Response>;

/** `connecting` at first, `streaming` once there is a reply, `reconnecting` while there is none again. */
export type ConnectionState = 'connecting' | 'streaming' | 'reconnecting';

export function sender({ baseUrl = '', headers, fetch = globalThis.fetch }: RequestOptions): Send {
  const base = String(baseUrl).replace(/\/+$/, '');
  return async (path, init = {}) => {
    const all = new Headers(typeof headers === 'function' ? await headers() : headers);
    new Headers(init.headers).forEach((value, name) => all.set(name, value));
    return fetch(base + path, { cache: 'no-store', ...init, headers: all });
  };
}

// The server says its own with each stream; this is what it has unless it was set.
const usualHeartbeat = 15_000;
const tries = 6;

// A stream that has just sent something may skip the next heartbeat.
function silenceAfter(heartbeat: number): number {
  return heartbeat * 2 + Math.max(1000, heartbeat / 3);
}

/** Sends a request that is safe to repeat until it has a whole answer that is no passing failure, a few times, and gives its JSON. */
export async function ask<T>(send: Send, path: string, init: Omit<RequestInit, 'signal'> & { signal?: AbortSignal | undefined }): Promise<T> {
  for (let failures = 1; ; failures++) {
    const silence = new AbortController();
    const stop = () => silence.abort(init.signal!.reason);
    init.signal?.throwIfAborted();
    init.signal?.addEventListener('abort', stop);
    const timer = setTimeout(() => silence.abort(), silenceAfter(usualHeartbeat));
    let error: PenstockError;
    try {
      const response = await send(path, { ...init, signal: silence.signal });
      if (response.ok) return (await response.json()) as T;
      error = await errorOf(response);
    } catch (cause) {
      init.signal?.throwIfAborted();
      error = networkError(cause);
    } finally {
      clearTimeout(timer);
      init.signal?.removeEventListener('abort', stop);
    }
    if (!error.retryable || error.status === 429 || failures === tries) throw error;
    await pause(backoff(failures, error.retryAfter), init.signal);
  }
}

export interface ReadOptions {
  signal?: AbortSignal | undefined;
  /** Told of each change, with the error that broke the connection. */
  onState?: ((state: ConnectionState, error?: PenstockError) => void) | undefined;
  init?: RequestInit;
}

/** What one read brought, and the reply that it belongs to. */
export interface Read {
  readonly frames: readonly SseFrame[];
  readonly reply: Response;
}

/**
 * Reads an event stream for as long as it goes on: after a cut, a silence that the server's heartbeat does not allow, a sleep
 * or a change of the network it asks again, at the address that `path` gives by then. Ends when the server says that there is
 * no more (204); throws what a retry cannot mend. Whoever has seen the stream's ending leaves.
 */
export async function* readStream(send: Send, path: () => string, { signal, onState, init }: ReadOptions = {}): AsyncGenerator<Read, void, void> {
  let failures = 0;
  onState?.('connecting');
  for (;;) {
    signal?.throwIfAborted();
    const connection = new AbortController();
    const cut = () => connection.abort();
    const reader = new SseReader();
    let heartbeat = usualHeartbeat;
    let heard = Date.now();
    let error: PenstockError | undefined;
    signal?.addEventListener('abort', cut);
    const forget = onWake(reason => {
      // A new network kills old connections without a word, and so may a sleep: timers did not run in it.
      if (reason !== 'visible' || Date.now() - heard > silenceAfter(heartbeat)) cut();
    });
    // Only while we wait: a slow consumer is not a silent server.
    const heardWithin = async <T>(wait: Promise<T>): Promise<T> => {
      const timer = setTimeout(cut, silenceAfter(heartbeat));
      try {
        return await wait;
      } finally {
        clearTimeout(timer);
        heard = Date.now();
      }
    };
    let body: ReadableStreamDefaultReader<Uint8Array> | undefined;
    try {
      const reply = await heardWithin(send(path(), { ...init, signal: connection.signal }));
      if (reply.status === 204) return;
      if (!reply.ok) throw await errorOf(reply);
      if (!reply.headers.get('Content-Type')?.startsWith('text/event-stream')) throw new PenstockError({ code: 'not_an_event_stream', message: `There is no event stream at ${reply.url}.`, status: 406 });
      heartbeat = Number(reply.headers.get('Penstock-Heartbeat')) * 1000 || usualHeartbeat;
      onState?.('streaming');
      body = reply.body!.getReader();
      for (;;) {
        const { done, value } = await heardWithin(body.read());
        if (done) break;
        const got = reader.push(value);
        if (got.length === 0) continue;
        failures = 0;
        yield { frames: got, reply };
      }
    } catch (cause) {
      signal?.throwIfAborted();
      error = networkError(cause);
      if (!error.retryable) throw error;
    } finally {
      forget();
      signal?.removeEventListener('abort', cut);
      cut(); // the consumer may have left
      body?.cancel().catch(() => {});
    }
    onState?.('reconnecting', error);
    await pause(backoff(++failures, reader.retry ?? error?.retryAfter), signal);
  }
}
