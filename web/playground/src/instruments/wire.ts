/** What is told of the page's own connections. */
export interface WireListener {
  /** A sign of life in a silence. */
  onBeat?(at: number): void;
  /** Somebody of this page has asked for a generation's end, and had the answer. */
  onStop?(generation: string, asked: number, answered: number): void;
}

/** The page's connections, where they can be heard and cut. */
class Wire {
  #open = new Set<() => void>();
  #listener: WireListener = {};
  // One tab holds the connection for all, so a cut is for all.
  #channel = typeof BroadcastChannel === 'undefined' ? undefined : new BroadcastChannel('penstock-wire');

  constructor() {
    if (this.#channel) this.#channel.onmessage = () => this.#cutHere();
  }

  listen(listener: WireListener): void {
    this.#listener = listener;
  }

  /** Breaks every event stream of this browser, as a lost network would: the server sees its sockets close. */
  cut(): void {
    this.#channel?.postMessage('cut');
    this.#cutHere();
  }

  #cutHere(): void {
    for (const cut of [...this.#open]) cut();
  }

  /** `fetch`, for the client. */
  readonly fetch: typeof globalThis.fetch = async (input, init) => {
    const asked = Date.now();
    const reply = await globalThis.fetch(input, init);
    if (!reply.ok) return reply;
    const stopped = init?.method === 'POST' ? /\/generations\/([^/]+)\/stop$/.exec(String(input)) : null;
    if (stopped) this.#listener.onStop?.(decodeURIComponent(stopped[1]!), asked, Date.now());
    return reply.body && reply.headers.get('Content-Type')?.startsWith('text/event-stream') ? this.#tap(reply, reply.body.getReader()) : reply;
  };

  #tap(reply: Response, reader: ReadableStreamDefaultReader<Uint8Array>): Response {
    let cut: () => void;
    const body = new ReadableStream<Uint8Array>({
      start: controller => {
        cut = () => {
          this.#open.delete(cut);
          controller.error(new TypeError('The connection was cut.'));
          void reader.cancel().catch(() => {});
        };
        this.#open.add(cut);
      },
      pull: async controller => {
        try {
          const { done, value } = await reader.read();
          if (!done && value[0] === 0x3a) this.#listener.onBeat?.(Date.now()); // a comment
          if (!done) return controller.enqueue(value);
          this.#open.delete(cut);
          controller.close();
        } catch (error) {
          this.#open.delete(cut);
          controller.error(error);
        }
      },
      cancel: reason => {
        this.#open.delete(cut);
        return reader.cancel(reason);
      },
    }, { highWaterMark: 0 });
    return new Response(body, reply);
  }
}

export const wire = new Wire();
