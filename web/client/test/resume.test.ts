import { afterAll, beforeAll, expect, test } from 'vitest';
import { createClient, type PenstockEvent, type Run } from '../src/index.js';
import { Proxy, buffers, cutsAtAge, cutsWhereAsked, freezesAfter } from './proxy.js';
import { Server } from './server.js';

let server: Server;
beforeAll(async () => { server = await Server.start({ 'Streams:Heartbeat': '00:00:00.4' }); });
afterAll(() => server.dispose());

const direct = () => createClient({ baseUrl: server.url });

async function read(run: Run): Promise<PenstockEvent[]> {
  const events: PenstockEvent[] = [];
  for await (const event of run) events.push(event);
  return events;
}

/** What is true of an answer that came once and in order: it is what the server keeps. */
async function expectWhole(events: PenstockEvent[], id: string): Promise<void> {
  const kept = await read(direct().attach(id));
  expect(events.map(wire)).toEqual(kept.map(wire));
  expect(events.at(-1)!.type).toBe('finished');
}

function wire({ received, replay, ...event }: PenstockEvent): object {
  return event;
}

// A thousand connections: it takes its time where others do the same.
test('a stream that is cut at any of its bytes comes whole, each event once', { timeout: 180_000 }, async () => {
  const proxy = await Proxy.before(server, cutsWhereAsked());
  const request = { model: 'simulated/chat?tokens=3&tps=0&ttft=0', prompt: 'é😀' };
  const sample = await direct().start(request);
  const kept = await sample.done();
  const reply = await fetch(`${server.url}/v1/generations/${sample.id}/events`);
  const length = (await reply.text()).length + 400; // with its headers and chunks
  const cuts = Array.from({ length }, (_, bytes) => bytes);
  const one = async (bytes: number) => {
    // Every other is read as it comes, the rest after it has ended.
    const id = bytes % 2 ? (await direct().start(request)).id : sample.id;
    const events = await read(createClient({ baseUrl: proxy.url, headers: { 'X-Cut': `c${bytes}/${bytes}` } }).attach(id));
    const offsets = events.map(e => e.offset);
    expect(offsets, `cut at ${bytes}`).toEqual([...new Set(offsets)].sort((a, b) => a - b));
    expect(events.map(e => e.type).filter(t => t !== 'delta'), `cut at ${bytes}`).toEqual(['started', 'block_start', 'block_stop', 'usage', 'finished']);
    expect(events.map(e => (e.type === 'delta' ? e.text : '')).join(''), `cut at ${bytes}`).toBe(kept.text);
  };
  const next = cuts[Symbol.iterator]();
  await Promise.all(Array.from({ length: 48 }, async () => { for (const bytes of next) await one(bytes); }));
  expect(proxy.cuts).toBeGreaterThan(1000);
  proxy.dispose();
});

test('a start whose reply is cut at any of its bytes starts one generation', async () => {
  const proxy = await Proxy.before(server, cutsWhereAsked());
  const request = { model: 'simulated/chat?tokens=1&tps=0&ttft=0', prompt: 'x' };
  const before = await count();
  const next = Array.from({ length: 60 }, (_, n) => n * 9)[Symbol.iterator]();
  await Promise.all(Array.from({ length: 12 }, async () => {
    for (const bytes of next) {
      const run = await createClient({ baseUrl: proxy.url, headers: { 'X-Cut': `s${bytes}/${bytes}` } }).start(request, { idempotencyKey: `cut-${bytes}` });
      expect((await direct().start(request, { idempotencyKey: `cut-${bytes}` })).id).toBe(run.id);
    }
  }));
  expect(await count() - before).toBe(60);
  proxy.dispose();

  async function count(): Promise<number> {
    const ids = new Set<string>();
    const { data } = await (await fetch(`${server.url}/v1/streams?prefix=generations/&limit=1000`)).json() as { data: { path: string }[] };
    for (const { path } of data) ids.add(path);
    return ids.size;
  }
});

test.concurrent('through a proxy that cuts each connection after 5 seconds an answer of 12 comes whole', async () => {
  const proxy = await Proxy.before(server, cutsAtAge(5000));
  const run = await direct().start({ model: 'simulated/chat?tokens=240&tps=20', prompt: 'long' });
  const events = await read(createClient({ baseUrl: proxy.url }).attach(run.id));
  expect(proxy.cuts).toBeGreaterThanOrEqual(2);
  await expectWhole(events, run.id);
  proxy.dispose();
});

test.concurrent.each([16 * 1024, Infinity])('through a proxy that holds %s bytes back an answer comes whole', async bytes => {
  const proxy = await Proxy.before(server, buffers(bytes));
  const run = await direct().start({ model: 'simulated/chat?tokens=400&tps=120', prompt: 'held' });
  const events = await read(createClient({ baseUrl: proxy.url }).attach(run.id));
  await expectWhole(events, run.id);
  proxy.dispose();
});

test.concurrent('a connection that went silent without a word is left after the missed heartbeats', async () => {
  const proxy = await Proxy.before(server, freezesAfter(1500));
  const run = await direct().start({ model: 'simulated/chat?tokens=100&tps=100', prompt: 'frozen' });
  const states: string[] = [];
  const events = await read(createClient({ baseUrl: proxy.url }).attach(run.id, { onState: state => states.push(state) }));
  expect(states).toEqual(['connecting', 'streaming', 'reconnecting', 'streaming']);
  await expectWhole(events, run.id);
  proxy.dispose();
}, 15_000);

test.concurrent('a stream that is silent, with its heartbeats, is not left', async () => {
  const run = await direct().start({ model: 'simulated/chat?tokens=3&ttft=4000', prompt: 'slow' });
  const states: string[] = [];
  await read(direct().attach(run.id, { onState: state => states.push(state) }));
  expect(states).toEqual(['connecting', 'streaming']);
});
