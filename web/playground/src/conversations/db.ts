import { summaryOf, type Conversation, type Summary } from './model';

// Summaries stand apart, so that the list needs no pictures to be read.
const stores = ['summaries', 'conversations'] as const;

/** The browser's own storage. Where it has none (private windows of some), what is here lasts as long as the page. */
export class Database {
  #opening: Promise<IDBDatabase | undefined> | undefined;
  #memory = new Map<string, Conversation>();

  async summaries(): Promise<Summary[]> {
    const db = await this.#open();
    return db ? result<Summary[]>(db.transaction('summaries').objectStore('summaries').getAll()) : [...this.#memory.values()].map(summaryOf);
  }

  async read(id: string): Promise<Conversation | undefined> {
    const db = await this.#open();
    return db ? result<Conversation | undefined>(db.transaction('conversations').objectStore('conversations').get(id)) : this.#memory.get(id);
  }

  /** Changes what is stored by now, which another tab may have changed since we read it. */
  async change(id: string, change: (conversation: Conversation | undefined) => Conversation | undefined): Promise<void> {
    const db = await this.#open();
    if (!db) {
      const changed = change(this.#memory.get(id));
      if (changed) this.#memory.set(id, changed);
      else this.#memory.delete(id);
      return;
    }
    await new Promise<void>((resolve, reject) => {
      const writing = db.transaction(stores, 'readwrite');
      writing.oncomplete = () => resolve();
      writing.onabort = () => reject(writing.error);
      const [summaries, conversations] = stores.map(name => writing.objectStore(name)) as [IDBObjectStore, IDBObjectStore];
      const reading = conversations.get(id);
      reading.onsuccess = () => {
        const changed = change(reading.result as Conversation | undefined);
        if (!changed) {
          conversations.delete(id);
          summaries.delete(id);
        } else {
          conversations.put(changed);
          summaries.put(summaryOf(changed));
        }
      };
    });
  }

  #open(): Promise<IDBDatabase | undefined> {
    return (this.#opening ??= new Promise(resolve => {
      try {
        const opening = indexedDB.open('penstock-playground', 1);
        opening.onupgradeneeded = () => { for (const name of stores) opening.result.createObjectStore(name, { keyPath: 'id' }); };
        opening.onsuccess = () => resolve(opening.result);
        opening.onerror = opening.onblocked = () => resolve(undefined);
      } catch {
        resolve(undefined);
      }
    }));
  }
}

function result<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}
