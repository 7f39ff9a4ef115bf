import { PenstockError, type Model } from 'penstock';
import { client } from './api';
import { guest } from './guest';
import { Observable, useObserved } from './observable';

export interface Models {
  readonly list: readonly Model[] | undefined;
  readonly error: PenstockError | undefined;
}

/** What the server offers: also how the page learns that it needs a key, or that there is no server. */
class Store extends Observable {
  #now: Models = { list: undefined, error: undefined };

  constructor() {
    super();
    if (!guest) void this.load();
    addEventListener('online', () => { if (this.#now.error) void this.load(); });
  }

  get now(): Models {
    return this.#now;
  }

  async load(): Promise<void> {
    try {
      this.#now = { list: await client.models(), error: undefined };
    } catch (cause) {
      this.#now = { ...this.#now, error: cause as PenstockError };
    }
    this.changed();
  }
}

export const models = new Store();

export function useModels(): Models {
  return useObserved(models, () => models.now);
}
