import { Observable } from '../observable';
import { Database } from './db';
import { summaryOf, type Conversation, type Summary } from './model';

type Change = (conversation: Conversation) => Conversation;

/**
 * The conversations of this browser, in all its tabs. A change is seen at once, and stored by applying it to what is stored by
 * then: two tabs that change one conversation lose nothing of each other's.
 */
export class Conversations extends Observable {
  #db = new Database();
  #channel = typeof BroadcastChannel === 'undefined' ? undefined : new BroadcastChannel('penstock-playground');
  /** What was changed last could not be stored: the browser's storage is full, or closed to us. */
  trouble = false;
  #list: readonly Summary[] | undefined;
  #open = new Map<string, Conversation | null>();
  #reading = new Set<string>();
  #generations: ReadonlySet<string> = new Set();
  #writing: Promise<void> = Promise.resolve();
  /** Changes that are not stored yet. */
  #pending = 0;

  constructor() {
    super();
    if (this.#channel) this.#channel.onmessage = ({ data }) => void this.#reread(data as string);
    void this.#readList();
  }

  /** The newest first; undefined until it is read. */
  get list(): readonly Summary[] | undefined {
    return this.#list;
  }

  /** Undefined until it is read, null if there is none. */
  get(id: string): Conversation | null | undefined {
    if (!this.#open.has(id) && !this.#reading.has(id)) void this.#read(id);
    return this.#open.get(id);
  }

  /** Null if there is none. */
  async read(id: string): Promise<Conversation | null> {
    if (!this.#open.has(id)) await this.#read(id);
    return this.#open.get(id) ?? null;
  }

  /** The answers on the server that the open conversations have; all that run are open. */
  get generations(): ReadonlySet<string> {
    return this.#generations;
  }

  add(conversation: Conversation): void {
    this.#put(conversation.id, conversation);
    void this.#store(conversation.id, stored => stored ?? conversation);
  }

  change(id: string, change: Change): void {
    const known = this.#open.get(id);
    if (known) this.#put(id, change(known));
    void this.#store(id, stored => stored && change(stored));
  }

  remove(id: string): void {
    this.#put(id, null);
    void this.#store(id, () => undefined);
  }

  /** Once all changes are stored. */
  settled(): Promise<void> {
    return this.#writing;
  }

  #put(id: string, conversation: Conversation | null): void {
    this.#open.set(id, conversation);
    const others = (this.#list ?? []).filter(summary => summary.id !== id);
    this.#list = conversation ? sorted([...others, summaryOf(conversation)]) : others;
    this.changed();
  }

  protected override changed(): void {
    this.#generations = new Set([...this.#open.values()].flatMap(c => Object.values(c?.turns ?? {}).map(turn => (turn.role === 'assistant' ? turn.generation ?? '' : ''))));
    super.changed();
  }

  #store(id: string, change: (stored: Conversation | undefined) => Conversation | undefined): Promise<void> {
    this.#pending++;
    this.#writing = this.#writing
      .then(() => this.#db.change(id, change))
      .then(() => this.#stored(true), () => this.#stored(false))
      .finally(() => { this.#pending--; })
      .then(() => this.#channel?.postMessage(id));
    return this.#writing;
  }

  #stored(done: boolean): void {
    if (this.trouble !== done) return;
    this.trouble = !done;
    super.changed();
  }

  async #readList(): Promise<void> {
    const stored = await this.#db.summaries().catch(() => []);
    const known = new Set(this.#list?.map(summary => summary.id));
    this.#list = sorted([...(this.#list ?? []), ...stored.filter(summary => !known.has(summary.id))]);
    this.changed();
  }

  async #read(id: string): Promise<void> {
    this.#reading.add(id);
    const stored = await this.#db.read(id).catch(() => undefined);
    this.#reading.delete(id);
    // While it was read, it may have been added.
    if (this.#open.has(id)) return;
    this.#open.set(id, stored ?? null);
    this.changed();
  }

  // Another tab has changed it. What we change meanwhile is written behind that, and told to us in turn.
  async #reread(id: string): Promise<void> {
    const stored = await this.#db.read(id).catch(() => undefined);
    if (this.#pending > 0) return void this.#writing.then(() => this.#reread(id));
    if (this.#open.has(id)) this.#put(id, stored ?? null);
    else {
      const others = (this.#list ?? []).filter(summary => summary.id !== id);
      this.#list = stored ? sorted([...others, summaryOf(stored)]) : others;
      this.changed();
    }
  }
}

function sorted(list: Summary[]): Summary[] {
  return list.sort((a, b) => b.updatedAt - a.updatedAt);
}

export const conversations = new Conversations();
