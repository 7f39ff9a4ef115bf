import { PenstockError } from '../errors.js';
import { isEnding, readEvent, type PenstockEvent } from '../events.js';
import { newKey } from '../key.js';
import type { Send } from '../request.js';
import type { Connection, FollowOptions } from '../run.js';
import { Multiplexer, type Said } from './multiplexer.js';

type Message = Said
  /** To the tab that holds the connection. */
  | { say: 'want'; by: string; generation: string; after: number }
  | { say: 'leave'; by: string; generation?: string }
  /** From the tab that holds it from now on: who wants what? */
  | { say: 'hello' };

/**
 * One connection for all that a browser follows, in all tabs of an origin: over HTTP/1.1 it has six to a host.
 * The tab that has the lock holds the connection and tells the others what comes; when it goes, another one takes its place.
 * Without locks, as on a page that is not secure, each tab has a connection of its own.
 */
export function sharedConnection({ name = 'penstock' }: {
  /** Who shares: tabs that say the same. Two users, or two servers, on one origin need two names. */
  name?: string;
} = {}): (send: Send) => Connection {
  return send => new Hub(send, name);
}

class Hub implements Connection {
  #me = newKey();
  #followers = new Set<Follower>();
  #channel: BroadcastChannel | undefined;
  #multiplexer: Multiplexer | undefined;
  #joined = false;

  constructor(private readonly send: Send, private readonly name: string) {}

  async *follow(generation: string, after: number, { signal, onState }: FollowOptions): AsyncGenerator<PenstockEvent, void, void> {
    signal?.throwIfAborted();
    this.#join();
    const follower = new Follower(generation, after, onState, () => this.#want(follower));
    this.#followers.add(follower);
    const abort = () => follower.fail(signal!.reason);
    signal?.addEventListener('abort', abort);
    onState?.('connecting');
    this.#want(follower);
    try {
      for (let event; (event = await follower.next()) !== undefined;) {
        signal?.throwIfAborted();
        yield event;
        if (isEnding(event)) return;
      }
    } finally {
      signal?.removeEventListener('abort', abort);
      this.#followers.delete(follower);
      if (![...this.#followers].some(f => f.generation === generation)) this.#tell({ say: 'leave', by: this.#me, generation });
    }
  }

  #want({ generation, after }: Follower): void {
    this.#tell({ say: 'want', by: this.#me, generation, after });
  }

  /** To whoever holds the connection. */
  #tell(message: Message): void {
    if (this.#multiplexer) this.#hear(message);
    else this.#channel?.postMessage(message);
  }

  // Once there is something to follow: to import this file does nothing.
  #join(): void {
    if (this.#joined) return;
    this.#joined = true;
    if (typeof BroadcastChannel === 'undefined' || typeof navigator === 'undefined' || !navigator.locks) {
      this.#multiplexer = new Multiplexer(this.send, said => this.#hear(said));
      return;
    }
    const channel = (this.#channel = new BroadcastChannel(`penstock:${this.name}`));
    channel.onmessage = ({ data }) => this.#hear(data as Message);
    void navigator.locks.request(`penstock:${this.name}`, () => {
      this.#multiplexer = new Multiplexer(this.send, said => { channel.postMessage(said); this.#hear(said); });
      channel.postMessage({ say: 'hello' });
      this.#hear({ say: 'hello' });
      return new Promise(() => {}); // for as long as the tab lives
    });
    addEventListener('pagehide', () => this.#tell({ say: 'leave', by: this.#me }));
    // A page from the browser's cache has missed what was said.
    addEventListener('pageshow', ({ persisted }) => { if (persisted) this.#hear({ say: 'hello' }); });
  }

  #hear(message: Message): void {
    switch (message.say) {
      case 'want':
        this.#multiplexer?.want(message.by, message.generation, message.after);
        break;
      case 'leave':
        this.#multiplexer?.leave(message.by, message.generation);
        break;
      case 'hello':
        for (const follower of this.#followers) this.#want(follower);
        break;
      default:
        for (const follower of [...this.#followers]) follower.hear(message);
    }
  }
}

/** One loop over one generation. */
class Follower {
  #events: (PenstockEvent | undefined)[] = [];
  #error: unknown;
  #wake: (() => void) | undefined;
  #state = 'connecting';
  #askedAfter: number | undefined;
  #at: number | undefined;

  constructor(readonly generation: string, public after: number, private readonly onState: FollowOptions['onState'], private readonly askAgain: () => void) {}

  hear(said: Said): void {
    switch (said.say) {
      case 'event':
        if (said.generation === this.generation) this.#take(said);
        break;
      case 'end':
        if (said.generation !== this.generation) break;
        if (said.error) this.fail(new PenstockError(said.error));
        else this.#push(undefined);
        break;
      case 'fail':
        this.fail(new PenstockError(said.error));
        break;
      case 'state':
        if (this.#state !== said.state) this.onState?.(said.state);
        this.#state = said.state;
        break;
    }
  }

  fail(error: unknown): void {
    this.#error ??= error;
    this.#wake?.();
  }

  /** The next event, or undefined when there is none to come. */
  async next(): Promise<PenstockEvent | undefined> {
    while (this.#events.length === 0 && this.#error === undefined) await new Promise<void>(resolve => (this.#wake = resolve));
    if (this.#events.length === 0) throw this.#error;
    return this.#events.shift();
  }

  #take({ prev, id, data }: Extract<Said, { say: 'event' }>): void {
    const event = readEvent(id, data, -1, this.#at);
    if (event.offset <= this.after) return;
    if (prev > this.after) {
      // We were asleep, or came late.
      if (this.#askedAfter !== this.after) this.askAgain();
      this.#askedAfter = this.after;
      return;
    }
    if (this.#state !== 'streaming') this.onState?.('streaming');
    this.#state = 'streaming';
    ({ offset: this.after, at: this.#at } = event);
    this.#push(event);
  }

  #push(event: PenstockEvent | undefined): void {
    this.#events.push(event);
    this.#wake?.();
  }
}
