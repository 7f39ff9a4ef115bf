/** Keeps a value over a reload. Where there is no storage, or it is full, it keeps nothing. */
export class Pocket<T> {
  constructor(private readonly key: string, private readonly storage: Storage | null | undefined) {}

  load(): T | undefined {
    try {
      const text = this.#storage()?.getItem(this.key);
      return text ? (JSON.parse(text) as T) : undefined;
    } catch {
      return undefined;
    }
  }

  save(value: T | undefined): void {
    try {
      if (value === undefined) this.#storage()?.removeItem(this.key);
      else this.#storage()?.setItem(this.key, JSON.stringify(value));
    } catch {
      // Private windows, quotas.
    }
  }

  // Not before it is needed: there is none on a server, and to touch it may throw.
  #storage(): Storage | null {
    return this.storage === undefined ? globalThis.sessionStorage ?? null : this.storage;
  }
}
