import { Observable, useObserved } from '../observable';

/** Where in the page one is: `#/c/<conversation>?panel=…`. In the fragment, so that any server and prefix serves it. */
export interface Place {
  /** `c` a conversation, `g` a generation, `join` a conversation from another device, or a view's id; empty for a new chat. */
  readonly view: string;
  readonly id: string;
  readonly query: URLSearchParams;
}

class Router extends Observable {
  #place = read();

  constructor() {
    super();
    addEventListener('hashchange', () => {
      this.#place = read();
      this.changed();
    });
  }

  get place(): Place {
    return this.#place;
  }

  go(address: string, { replace = false } = {}): void {
    if (replace) {
      history.replaceState(null, '', address);
      this.#place = read();
      this.changed();
    } else {
      location.hash = address;
    }
  }

  /** Changes the query alone; null takes a member away. */
  ask(change: Record<string, string | null>): void {
    const query = new URLSearchParams(this.#place.query);
    for (const [name, value] of Object.entries(change)) {
      if (value === null) query.delete(name);
      else query.set(name, value);
    }
    const { view, id } = this.#place;
    const text = query.toString();
    this.go(`#/${[view, id].filter(Boolean).join('/')}${text ? `?${text}` : ''}`, { replace: true });
  }
}

export const router = new Router();

export function usePlace(): Place {
  return useObserved(router, () => router.place);
}

function read(): Place {
  const [path = '', query = ''] = location.hash.replace(/^#\/?/, '').split('?', 2);
  const [view = '', ...rest] = path.split('/');
  return { view, id: rest.join('/'), query: new URLSearchParams(query) };
}
