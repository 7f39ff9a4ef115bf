import { Observable, useObserved } from './observable';

export interface Preferences {
  theme: 'system' | 'light' | 'dark';
  /** A screen reader hears each sentence as it is finished, not only begin and end. */
  speakSentences: boolean;
  sidebar: boolean;
  /** The model of the next new chat. */
  model: string;
}

const place = 'penstock:preferences';
const usual: Preferences = { theme: 'system', speakSentences: false, sidebar: true, model: '' };

class Store extends Observable {
  #now: Preferences = { ...usual, ...read() };

  get now(): Preferences {
    return this.#now;
  }

  set(change: Partial<Preferences>): void {
    this.#now = { ...this.#now, ...change };
    try {
      localStorage.setItem(place, JSON.stringify(this.#now));
      localStorage.setItem('penstock:theme', this.#now.theme); // what theme.js reads before the first paint
    } catch {
      // They last as long as the page.
    }
    show(this.#now.theme);
    this.changed();
  }
}

export const preferences = new Store();
show(preferences.now.theme);

export function usePreferences(): Preferences {
  return useObserved(preferences, () => preferences.now);
}

function read(): Partial<Preferences> {
  try {
    return JSON.parse(localStorage.getItem(place) ?? '{}') as Partial<Preferences>;
  } catch {
    return {};
  }
}

function show(theme: Preferences['theme']): void {
  if (theme === 'system') delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
}
