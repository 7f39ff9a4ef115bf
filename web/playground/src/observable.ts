import { useSyncExternalStore } from 'react';

/** Tells who reads it of changes. */
export class Observable {
  #listeners = new Set<() => void>();

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  protected changed(): void {
    for (const listener of [...this.#listeners]) listener();
  }
}

/** What is read must be the same as long as nothing has changed. */
export function useObserved<T>(source: Observable, read: () => T): T {
  return useSyncExternalStore(source.subscribe, read);
}
