import { afterAll, beforeAll, expect, test } from 'vitest';
import { createClient, Fold } from '../src/index.js';
import { RunStore } from '../src/react/run-store.js';
import { Proxy, type Wire } from './proxy.js';
import { Server, until } from './server.js';

let server: Server;
beforeAll(async () => { server = await Server.start({ 'Storage:Kind': 'memory' }); });
afterAll(() => server.dispose());

const client = () => createClient({ baseUrl: server.url });
const store = (baseUrl = server.url) => new RunStore({ client: createClient({ baseUrl }), name: 'test', storage: null, batch: 0 });
const weather = {
  model: 'simulated/reasoner?tps=0', messages: [{ role: 'user', content: 'Use get_weather for Paris' }],
  tools: [{ type: 'function', function: { name: 'get_weather', parameters: { type: 'object', properties: { city: { type: 'string' } } } } }],
};

test('a snapshot adds up to what its events do', async () => {
  const run = await client().start(weather);
  const fold = new Fold();
  for await (const event of run) fold.apply(event);
  const restored = new Fold();
  restored.restore(await client().get(run.id));
  expect(restored.result(run.id)).toEqual(fold.result(run.id));
  expect(restored.offset).toBe(fold.offset);
  expect(restored.model).toBe(fold.model);
  expect(restored.blocks.map(b => b.kind)).toContain('tool_call');
});

test('a run that was begun elsewhere is there in one piece, and then comes on', async () => {
  const { id } = await client().start({ model: 'simulated/chat?tokens=150&tps=50', prompt: 'Hi' });
  await until('it has said something', async () => (await client().get(id)).text.length > 100);
  const run = store();
  const lengths: number[] = [];
  const leave = run.subscribe(() => lengths.push(run.getSnapshot().text.length));
  run.attach(id);
  await until('it is done', () => run.getSnapshot().status === 'done');
  leave();
  expect(lengths.find(length => length > 0)!).toBeGreaterThan(100);
  const { text, stats, model } = run.getSnapshot();
  expect(text).toBe((await client().get(id)).text);
  expect(model).toBe('simulated/chat?tokens=150&tps=50');
  expect(stats.ttft).toBeUndefined();
  expect(stats.rate).toBeLessThan(200); // of what came live, not of what was there
});

test('a run that has ended is there with its ending', async () => {
  const { id } = await client().start({ model: 'simulated/chat?tokens=2000&tps=50', prompt: 'Hi' });
  await client().stop(id);
  for (const [wanted, status] of [[id, 'stopped'], [(await (await client().start({ model: 'simulated/chat?error=0', prompt: 'Hi' })).done()).id, 'error']] as const) {
    const run = store();
    const leave = run.subscribe(() => {});
    run.attach(wanted);
    await until(`it is ${status}`, () => run.getSnapshot().status === status);
    leave();
  }
});

test('a run that was begun elsewhere waits for a server that is away', async () => {
  const { id } = await (await client().stream('Hi', { model: 'simulated/chat?tokens=20&tps=0' })).done();
  let away = true;
  const proxy = await Proxy.before(server, (): Wire => ({ asked: (_, cut) => { if (away) cut(); }, said: data => data }));
  const run = store(proxy.url);
  const leave = run.subscribe(() => {});
  run.attach(id);
  await until('it tries again', () => run.getSnapshot().status === 'reconnecting');
  away = false;
  await until('it is done', () => run.getSnapshot().status === 'done');
  leave();
  expect(run.getSnapshot().text).toBe((await client().get(id)).text);
  proxy.dispose();
}, 60_000);

test('an id that is none is an error', async () => {
  const run = store();
  const leave = run.subscribe(() => {});
  run.attach(`gen_${'0'.repeat(32)}`);
  await until('it is an error', () => run.getSnapshot().status === 'error');
  leave();
  expect(run.getSnapshot().error?.code).toBe('generation_not_found');
});

test('what there is and what one may ask for are listed', async () => {
  expect((await client().models()).map(m => m.id)).toContain('simulated/reasoner');
  const { id } = await client().start({ model: 'simulated/chat?tokens=2000&tps=20', prompt: 'Hi' });
  expect((await client().list({ status: 'running' })).map(g => g.id)).toContain(id);
  await client().stop(id);
  expect((await client().list({ status: 'running' })).map(g => g.id)).not.toContain(id);
  expect(await client().list({ limit: 1 })).toHaveLength(1);
});
