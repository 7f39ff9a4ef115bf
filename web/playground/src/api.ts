import { createClient, type Send } from 'penstock';
import { sharedConnection } from 'penstock/shared';
import { guest, withTicket } from './guest';
import { recorded } from './instruments/recordings';
import { wire } from './instruments/wire';

const keyPlace = 'penstock:key';

/** Where the page is served from, with a proxy's prefix: what the API's addresses stand below. */
export const baseUrl = new URL('.', document.baseURI).href.replace(/\/$/, '');

/** The key of this tab; it is kept nowhere else, and goes with it. */
export const apiKey = guest ? '' : read();

/** The next key, or none. Whatever was followed with the old one is followed anew. */
export function takeKey(key: string): void {
  if (key) sessionStorage.setItem(keyPlace, key);
  else sessionStorage.removeItem(keyPlace);
  location.reload();
}

const ours = withTicket(wire.fetch);
const plain = withTicket((input, init) => fetch(input, init));
// A ticket opens one run's own address, and not the one that many share.
const own = (_: Send) => ({ follow: (id: string, after: number, options: object) => createClient({ baseUrl, fetch: ours }).attach(id, { after, ...options }) });

/** The server that gave us this page. All tabs of one key share one connection, so that the seventh has one, too. */
export const client = createClient({
  baseUrl,
  headers: apiKey ? { Authorization: `Bearer ${apiKey}` } : {},
  fetch: ours,
  connection: recorded(guest ? own : sharedConnection({ name: `penstock ${mark(apiKey)}` })),
});

/** For what the client has no word for. */
export function get(path: string, init: RequestInit = {}): Promise<Response> {
  return plain(baseUrl + path, { cache: 'no-store', ...init, headers: { ...init.headers, ...(apiKey ? { Authorization: `Bearer ${apiKey}` } : {}) } });
}

function read(): string {
  try {
    return sessionStorage.getItem(keyPlace) ?? '';
  } catch {
    return '';
  }
}

// Tells keys apart without naming them.
function mark(key: string): number {
  let hash = 7;
  for (const char of key) hash = (Math.imul(hash, 31) + char.codePointAt(0)!) | 0;
  return hash;
}
