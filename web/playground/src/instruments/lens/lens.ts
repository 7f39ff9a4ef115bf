import { get } from '../../api';
import { Observable } from '../../observable';
import { framesOf } from '../log';

export const protocols = { native: 'Native', 'chat-completions': 'Chat Completions', responses: 'Responses', messages: 'Messages', gemini: 'Gemini', text: 'Plain text', 'ui-messages': 'AI SDK', 'ag-ui': 'AG-UI' } as const;
export type Protocol = keyof typeof protocols;

// A browser has six connections to a host over HTTP/1.1, and the chat needs one.
const mostAtOnce = 4;

/** One run as the frames of several protocols, by the offset of the event that each frame shows. */
export class LensStore extends Observable {
  #frames = new Map<Protocol, Map<number, string[]>>();
  #waiting: Protocol[] = [];
  #reading = 0;
  #leaving = new AbortController();
  #soon: ReturnType<typeof setTimeout> | undefined;
  #version = 0;
  #trouble: string | undefined;
  last = -1;

  constructor(private readonly generation: string) {
    super();
  }

  get version(): number {
    return this.#version;
  }

  get trouble(): string | undefined {
    return this.#trouble;
  }

  /** Frames that an event is shown by; undefined where the protocol is not read yet. */
  at(protocol: Protocol, offset: number): readonly string[] | undefined {
    return this.#frames.get(protocol)?.get(offset);
  }

  /** The offsets that any of these protocols shows, in order. */
  offsets(shown: readonly Protocol[]): number[] {
    return [...new Set(shown.flatMap(p => [...(this.#frames.get(p)?.keys() ?? [])]))].sort((a, b) => a - b);
  }

  want(protocol: Protocol): void {
    if (this.#frames.has(protocol)) return;
    this.#frames.set(protocol, new Map());
    this.#waiting.push(protocol);
    this.#next();
  }

  leave(): void {
    this.#leaving.abort();
  }

  #next(): void {
    while (this.#reading < mostAtOnce && this.#waiting.length > 0) {
      this.#reading++;
      void this.#read(this.#waiting.shift()!).finally(() => {
        this.#reading--;
        this.#next();
      });
    }
  }

  // Cut or not, a stream goes on after the last id: that much every protocol's frames have.
  async #read(protocol: Protocol): Promise<void> {
    const { signal } = this.#leaving;
    const frames = this.#frames.get(protocol)!;
    let after = '';
    let offset = 0;
    for (let failures = 0; failures < 5 && !signal.aborted; failures++) {
      try {
        const reply = await get(`/v1/generations/${encodeURIComponent(this.generation)}/events?protocol=${protocol}${after ? `&after=${after}` : ''}`, { headers: { Accept: 'text/event-stream' }, signal });
        if (!reply.ok) throw new Error(`The server answered ${reply.status}.`);
        for await (const { raw, id } of framesOf(reply)) {
          failures = 0;
          if (id) {
            after = id;
            offset = Number(id.split('.')[1]);
          }
          this.last = Math.max(this.last, offset);
          const known = frames.get(offset);
          if (known) known.push(raw);
          else frames.set(offset, [raw]);
          this.#tell();
        }
        return;
      } catch (error) {
        if (!signal.aborted) this.#trouble = (error as Error).message;
        await new Promise(next => setTimeout(next, 500));
      }
    }
    this.#tell();
  }

  #tell(): void {
    this.#soon ??= setTimeout(() => {
      this.#soon = undefined;
      this.#version++;
      this.changed();
    }, 80);
  }
}
