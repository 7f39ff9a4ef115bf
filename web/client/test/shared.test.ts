import { afterAll, beforeAll, expect, test } from 'vitest';
import { createClient, PenstockError, type PenstockEvent } from '../src/index.js';
import { sharedConnection } from '../src/shared/index.js';
import { Proxy, cutsAtAge, type Wire } from './proxy.js';
import { Server, until } from './server.js';

let server: Server;
beforeAll(async () => { server = await Server.start({ 'Storage:Kind': 'memory' }); });
afterAll(() => server.dispose());

const direct = () => createClient({ baseUrl: server.url });

/** Where each event stands, and when it was stored. */
async function places(events: AsyncIterable<PenstockEvent>): Promise<[number, number][]> {
  const all: [number, number][] = [];
  for await (const { offset, at } of events) all.push([offset, at!]);
  return all;
}

async function offsets(events: AsyncIterable<PenstockEvent>): Promise<number[]> {
  const all: number[] = [];
  for await (const event of events) all.push(event.offset);
  return all;
}

test('many answers come over one connection that is cut twice a second, each event once', async () => {
  const proxy = await Proxy.before(server, cutsAtAge(500));
  const runs = await Promise.all(Array.from({ length: 30 }, (_, n) => direct().start({ model: `simulated/chat?tokens=${60 + n}&tps=40`, prompt: `n${n}` })));
  const client = createClient({ baseUrl: proxy.url, connection: sharedConnection() });
  const got = await Promise.all(runs.map(run => places(client.attach(run.id))));
  for (const [n, run] of runs.entries()) {
    expect(got[n], `run ${n}`).toEqual(await places(direct().attach(run.id)));
    expect(got[n]!.at(-1)![1] - got[n]![0]![1], 'at 40 a second').toBeGreaterThan(500);
  }
  expect(proxy.cuts).toBeGreaterThanOrEqual(2);
  proxy.dispose();
});

test('one that joins later, from the beginning, disturbs nobody; at most one reply is open', async () => {
  let open = 0;
  let most = 0;
  const proxy = await Proxy.before(server, (): Wire => {
    most = Math.max(most, ++open);
    return { said: data => data, closed: () => { open--; return undefined; } };
  });
  const client = createClient({ baseUrl: proxy.url, connection: sharedConnection() });
  const run = await direct().start({ model: 'simulated/chat?tokens=100&tps=60&ttft=0', prompt: 'rivers' });
  let seen = 0;
  const first = (async () => { const all: number[] = []; for await (const event of client.attach(run.id)) { all.push(event.offset); seen = all.length; } return all; })();
  await until('it has begun', () => seen > 30);
  const late = [client.attach(run.id), client.attach(run.id, { after: 10 })].map(offsets);
  const kept = await offsets(direct().attach(run.id));
  expect(await first).toEqual(kept);
  expect(await late[0]).toEqual(kept);
  expect(await late[1]).toEqual(kept.filter(offset => offset > 10));
  expect(most).toBeLessThanOrEqual(3); // a new one opens while the old one closes
  proxy.dispose();
});

test('one that is not there fails alone, and to leave one leaves the others', async () => {
  const client = createClient({ baseUrl: server.url, connection: sharedConnection() });
  const run = await direct().start({ model: 'simulated/chat?tokens=60&tps=60', prompt: 'rivers' });
  const nobody = client.attach(`gen_${'0'.repeat(32)}`).done();
  const left = new AbortController();
  const leaving = client.attach(run.id, { signal: left.signal }).done();
  const staying = client.attach(run.id).done();
  await expect(nobody).rejects.toMatchObject({ code: 'generation_not_found', status: 404, retryable: false });
  left.abort();
  await expect(leaving).rejects.toThrow(/abort/i);
  expect((await staying).text).toBe((await direct().get(run.id)).text);
  expect((await client.attach(run.id, { after: 5 }).done()).finish).toBe('stop');
  await expect(nobody).rejects.toBeInstanceOf(PenstockError);
});
