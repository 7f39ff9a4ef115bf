import { afterAll, beforeAll, expect, test } from 'vitest';
import { until } from '../../client/test/server.js';
import { ask, choose, ended, kept, lastAnswer, plain, Playground, said, saidMore } from './playground.js';
import { Upstream } from './upstream.js';

let upstream: Upstream;
let playground: Playground;
beforeAll(async () => {
  upstream = await Upstream.start({ slow: { text: 'Drop after drop it comes. '.repeat(200), size: 5, pace: 20 } });
  playground = await Playground.open({ 'Storage:Kind': 'memory', ...upstream.settings });
});
afterAll(async () => {
  await playground?.dispose();
  upstream?.dispose();
});

test('an answer streams in, and is whole', async () => {
  const page = await playground.show();
  await choose(page, 'simulated/chat?tps=100&tokens=250');
  await ask(page, 'Tell me about rivers.');
  await saidMore(lastAnswer(page), 20);
  expect(await lastAnswer(page).getAttribute('aria-busy')).toBe('true');
  await ended(lastAnswer(page));
  const { status, text } = await kept(playground.server, lastAnswer(page));
  expect(status).toBe('finished');
  expect(plain(await said(lastAnswer(page)))).toBe(plain(text));
  expect(await page.locator('.chats .current').textContent()).toBe('Tell me about rivers.');
  playground.expectNothingBad();
});

test('Stop closes the provider’s connection, and keeps what was said', async () => {
  const page = await playground.show();
  await choose(page, 'script/slow');
  await ask(page, 'Go on and on.');
  await saidMore(lastAnswer(page), 40);
  await page.keyboard.press('Escape');
  await ended(lastAnswer(page), 'stopped');
  await until('the upstream is closed', () => upstream.calls.at(-1)!.closed);
  const { status, text } = await kept(playground.server, lastAnswer(page));
  expect(status).toBe('stopped');
  expect(plain(await said(lastAnswer(page)))).toBe(plain(text));
  playground.expectNothingBad();
});

test('a reload in mid-sentence goes on with the next word: nothing doubled, nothing lost, nothing shown and taken back', async () => {
  const page = await playground.show();
  await choose(page, 'simulated/chat?tps=40&tokens=220');
  await ask(page, 'Tell me about the sea.');
  await saidMore(lastAnswer(page), 200);
  // What the page shows from its first frame on.
  await page.addInitScript(() => {
    const seen: string[] = Object.assign(window, { seen: [] as string[] }).seen;
    const look = () => {
      const text = document.querySelector('.answer .markdown')?.textContent;
      if (text !== undefined && text !== null && seen.at(-1) !== text) seen.push(text);
      requestAnimationFrame(look);
    };
    requestAnimationFrame(look);
  });
  const before = await said(lastAnswer(page));
  await page.reload();
  await ended(lastAnswer(page));
  const { text } = await kept(playground.server, lastAnswer(page));
  expect(plain(await said(lastAnswer(page)))).toBe(plain(text));
  const seen = await page.evaluate(() => (window as unknown as { seen: string[] }).seen);
  expect(plain(seen[0]!).length, 'the first frame has all that was there').toBeGreaterThanOrEqual(plain(before).length);
  for (const [i, now] of seen.entries()) if (i > 0) expect(plain(now).startsWith(plain(seen[i - 1]!)), `frame ${i}`).toBe(true);
  expect(await page.locator('.answer').count()).toBe(1);
  playground.expectNothingBad();
});
