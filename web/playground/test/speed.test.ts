import { afterAll, beforeAll, expect, test } from 'vitest';
import { ask, choose, ended, kept, lastAnswer, plain, Playground, said, saidMore } from './playground.js';

let playground: Playground;
beforeAll(async () => { playground = await Playground.open({ 'Storage:Kind': 'memory' }); });
afterAll(() => playground?.dispose());

interface TraceEvent { name: string; ph: string; pid: number; tid: number; tdur?: number; args: { name?: string } }

// Counted in the processor's time, for other work on the machine is none of the page's doing.
test('20,000 tokens at 500 a second, and no task of the page takes 50 milliseconds', { timeout: 300_000 }, async () => {
  const page = await playground.show();
  await choose(page, 'simulated/chat?tps=500&tokens=20000&ttft=0');
  await ask(page, 'Everything about water.');
  await saidMore(lastAnswer(page), 200);
  await playground.browser.startTracing(page, { categories: ['toplevel'] });
  await ended(lastAnswer(page), 'done', 200_000);
  const { traceEvents } = JSON.parse((await playground.browser.stopTracing()).toString()) as { traceEvents: TraceEvent[] };
  const { text } = await kept(playground.server, lastAnswer(page));
  expect(plain(await said(lastAnswer(page)))).toBe(plain(text));
  expect(text.length).toBeGreaterThan(60_000);
  const threads = new Set(traceEvents.filter(event => event.name === 'thread_name' && event.args.name === 'CrRendererMain').map(event => `${event.pid} ${event.tid}`));
  const tasks = traceEvents.filter(event => event.ph === 'X' && event.tdur !== undefined && threads.has(`${event.pid} ${event.tid}`)).map(event => event.tdur! / 1000).sort((a, b) => b - a);
  expect(tasks.length).toBeGreaterThan(1000);
  console.log(`Of ${tasks.length} tasks the longest took ${tasks[0]!.toFixed(1)} ms, one in a hundred ${tasks[Math.floor(tasks.length / 100)]!.toFixed(1)} ms.`);
  expect(tasks[0]).toBeLessThan(50);
});
