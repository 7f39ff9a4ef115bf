import { expect, test } from 'vitest';
import { createClient, type PenstockEvent } from '../src/index.js';
import { Proxy, drips } from './proxy.js';
import { Server, until } from './server.js';

test('a reader gets an answer through ten kills of its server, each event once', async () => {
  const server = await Server.start({ 'Generations:OnCrash': 'continue', 'Streams:Heartbeat': '00:00:01' });
  const proxy = await Proxy.before(server, drips(40)); // so that the reader is still reading what is kept
  try {
    const direct = createClient({ baseUrl: server.url });
    const { id } = await direct.start({ model: 'simulated/chat?tokens=2000&tps=20&ttft=50', prompt: 'rivers' });
    const run = createClient({ baseUrl: proxy.url }).attach(id);
    const events: PenstockEvent[] = [];
    let ended = false;
    const reading = (async () => { for await (const event of run) events.push(event); ended = true; })();
    for (let kill = 1; kill <= 10; kill++) {
      const before = events.length;
      await until(`events come before kill ${kill}`, () => events.length > before + 4);
      expect(ended, `the answer had ended before kill ${kill}`).toBe(false);
      await speaks();
      await server.end('SIGKILL');
      await server.launch();
    }
    await speaks();
    await direct.attach(id).stop(); // it would go on for longer than a test should
    await reading;
    const result = await run.done();
    const kept: PenstockEvent[] = [];
    for await (const event of direct.attach(id)) kept.push(event);
    expect(events.map(e => e.id)).toEqual(kept.map(e => e.id));
    expect(events.map(e => e.offset)).toEqual([...new Set(events.map(e => e.offset))].sort((a, b) => a - b));
    expect(events.filter(e => e.type === 'attempt')).toHaveLength(10);
    expect(result.finish).toBe('stopped');
    expect(result.text).toBe((await direct.get(id)).text);

    // Each server says something before it dies.
    async function speaks(): Promise<void> {
      const { text } = await direct.get(id);
      await until('the answer goes on', async () => (await direct.get(id)).text.length > text.length);
    }
  } finally {
    proxy.dispose();
    await server.dispose();
  }
}, 120_000);

test('a server that shuts down sends its readers away for as long as it says', async () => {
  const server = await Server.start({ 'Generations:ShutdownTimeout': '00:00:20', 'Generations:OnCrash': 'continue' });
  try {
    const client = createClient({ baseUrl: server.url });
    const run = await client.start({ model: 'simulated/chat?tokens=60&tps=30', prompt: 'rivers' });
    const states: string[] = [];
    const texts: string[] = [];
    const reading = (async () => {
      for await (const event of client.attach(run.id, { onState: state => states.push(state) })) if (event.type === 'delta') texts.push(event.text);
    })();
    await until('events come', () => texts.length > 5);
    await server.end('SIGTERM'); // the generation is finished first
    await server.launch();
    await reading;
    expect(states).toContain('reconnecting');
    expect(texts.join('')).toBe((await client.get(run.id)).text);
    expect((await client.get(run.id)).status).toBe('finished');
  } finally {
    await server.dispose();
  }
}, 60_000);
