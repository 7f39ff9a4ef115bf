import { router } from './app/router';

/** The one run that a link shows to whoever has it, and the ticket that opens it: then the page is that run, and reads nothing else. */
export interface Guest {
  readonly generation: string;
  readonly ticket: string;
}

export const guest = read();

/** A link for reading. All of it that matters stands in the fragment, which no server and no other page sees. */
export function linkFor({ generation, ticket }: Guest, question: string): string {
  const query = new URLSearchParams({ ticket, ...(question ? { q: question } : {}) });
  return `${location.href.replace(/#.*$/, '')}#/shared/${generation}?${query}`;
}

/** `fetch`, with the ticket where it opens something; for anything else a guest does not even ask. */
export function withTicket(fetch: typeof globalThis.fetch): typeof globalThis.fetch {
  if (!guest) return fetch;
  const { ticket } = guest;
  return async (input, init) => {
    const address = new URL(String(input), location.href);
    if (!address.pathname.endsWith('/events')) return new Response(null, { status: 401 });
    address.searchParams.set('ticket', ticket);
    return fetch(address, init);
  };
}

// From one to the other is to another page, with other rights.
addEventListener('hashchange', () => {
  const next = read();
  if (next?.generation !== guest?.generation || next?.ticket !== guest?.ticket) location.reload();
});

function read(): Guest | undefined {
  const { view, id, query } = router.place;
  return view === 'shared' ? { generation: id, ticket: query.get('ticket') ?? '' } : undefined;
}
