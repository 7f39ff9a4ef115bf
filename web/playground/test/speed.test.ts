import { afterAll, beforeAll, expect, test } from 'vitest';
import { ask, choose, ended, kept, lastAnswer, plain, Playground, said, saidMore } from './playground.js';

let playground: Playground;
beforeAll(async () => { playground = await Playground.open({ 'Storage:Kind': 'memory' }); });
afterAll(() => playground?.dispose());

// What the machine takes from the page is none of its doing: the best of three counts.
test('20,000 tokens at 500 a second, and no task of the page over 50 milliseconds', { timeout: 300_000 }, async () => {
  let worst: number[] = [];
  for (let attempt = 0; attempt < 3; attempt++) {
    const page = await playground.show();
    await choose(page, 'simulated/chat?tps=500&tokens=20000&ttft=0');
    await ask(page, 'Everything about water.');
    await saidMore(lastAnswer(page), 200);
    await page.evaluate(() => {
      const tasks: number[] = Object.assign(window, { tasks: [] as number[] }).tasks;
      new PerformanceObserver(list => { for (const entry of list.getEntries()) tasks.push(Math.round(entry.duration)); }).observe({ type: 'longtask' });
    });
    await ended(lastAnswer(page), 'done', 120_000);
    worst = await page.evaluate(() => (window as unknown as { tasks: number[] }).tasks);
    const { text } = await kept(playground.server, lastAnswer(page));
    expect(plain(await said(lastAnswer(page)))).toBe(plain(text));
    expect(text.length).toBeGreaterThan(60_000);
    await page.close();
    if (worst.length === 0) break;
  }
  expect(worst).toEqual([]);
});
