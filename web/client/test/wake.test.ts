import { afterAll, beforeAll, expect, test } from 'vitest';
import { createClient } from '../src/index.js';
import { backoff } from '../src/wake.js';
import { Proxy, freezesAfter } from './proxy.js';
import { Server, until } from './server.js';

// What a browser has and Node has not, as far as the client looks at it.
const page = new EventTarget();
const tab = Object.assign(new EventTarget(), { visibilityState: 'visible' });
Object.assign(globalThis, { document: tab, addEventListener: page.addEventListener.bind(page), removeEventListener: page.removeEventListener.bind(page) });

let server: Server;
// A heartbeat that is not missed within a test.
beforeAll(async () => { server = await Server.start({ 'Storage:Kind': 'memory', 'Streams:Heartbeat': '00:01:00' }); });
afterAll(() => server.dispose());

test.each([
  ['the network is back', () => page.dispatchEvent(new Event('online')), true],
  ['the page comes from the cache', () => page.dispatchEvent(Object.assign(new Event('pageshow'), { persisted: true })), true],
  ['the page is shown for the first time', () => page.dispatchEvent(Object.assign(new Event('pageshow'), { persisted: false })), false],
  ['the tab is shown, and was heard from', () => tab.dispatchEvent(new Event('visibilitychange')), false],
  ['the tab is shown after a long sleep', () => {
    const { now } = Date;
    Date.now = () => now() + 10 * 60_000;
    tab.dispatchEvent(new Event('visibilitychange'));
    Date.now = now;
  }, true],
])('when %s, a connection that may be dead is left at once', async (_, happen, leaves) => {
  const proxy = await Proxy.before(server, freezesAfter(1200));
  const { id } = await createClient({ baseUrl: server.url }).start({ model: 'simulated/chat?tokens=40&tps=0&ttft=0', prompt: 'rivers' });
  const left = new AbortController();
  let count = 0;
  const reading = (async () => { for await (const _ of createClient({ baseUrl: proxy.url }).attach(id, { signal: left.signal })) count++; })();
  await until('what came before the silence is read', () => count > 2);
  happen();
  if (leaves) {
    await reading;
    expect(count).toBeGreaterThan(40);
    expect(proxy.connections).toBe(2);
  } else {
    // A turn of the loop, in which it would have been left.
    await fetch(`${server.url}/healthz`);
    expect(proxy.connections).toBe(1);
    left.abort();
    await expect(reading).rejects.toThrow(/abort/i);
  }
  proxy.dispose();
});

test('a pause that waits for the server is cut short when the network is back', async () => {
  const { id } = await createClient({ baseUrl: server.url }).start({ model: 'simulated/chat?tokens=400&tps=40&ttft=0', prompt: 'rivers' });
  const proxy = await Proxy.before(server, () => ({ said: data => data }));
  const states: string[] = [];
  const left = new AbortController();
  // It answers nothing but a wish for a long pause.
  const away = (): Promise<Response> => Promise.resolve(new Response('{}', { status: 503, headers: { 'Retry-After': '600' } }));
  let isAway = true;
  const client = createClient({ baseUrl: proxy.url, fetch: (...asked) => (isAway ? away() : fetch(...asked)) });
  const reading = (async () => { for await (const _ of client.attach(id, { signal: left.signal, onState: state => states.push(state) })); })();
  await until('it waits', () => states.includes('reconnecting'));
  isAway = false;
  page.dispatchEvent(new Event('online'));
  await until('it reads', () => states.at(-1) === 'streaming', 5000);
  left.abort();
  await expect(reading).rejects.toThrow(/abort/i);
  proxy.dispose();
});

test('pauses grow, differ, and keep to what the server asks for', () => {
  const pauses = [1, 2, 3, 6, 60].map(failures => Array.from({ length: 200 }, () => backoff(failures)));
  for (const [n, least] of [125, 250, 500, 4000, 5000].entries()) {
    expect(Math.min(...pauses[n]!)).toBeGreaterThanOrEqual(least);
    expect(Math.max(...pauses[n]!)).toBeLessThanOrEqual(least * 2);
    expect(new Set(pauses[n]).size).toBeGreaterThan(100);
  }
  expect(Math.min(...Array.from({ length: 200 }, () => backoff(1, 30_000)))).toBeGreaterThanOrEqual(30_000);
});
