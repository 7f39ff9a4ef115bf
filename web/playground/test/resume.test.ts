import type { Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Proxy, type Wire } from '../../client/test/proxy.js';
import { ask, choose, ended, kept, lastAnswer, plain, Playground, said, saidMore } from './playground.js';

let playground: Playground;
beforeAll(async () => {
  playground = await Playground.open({ 'Generations:OnCrash': 'continue' });
});
afterAll(() => playground?.dispose());

// Longer than any machine is busy: it is stopped.
const long = 'simulated/chat?tps=40&tokens=5000';

async function isWhole(page: Page, how: 'done' | 'stopped' = 'done'): Promise<void> {
  await ended(lastAnswer(page), how);
  const { status, text } = await kept(playground.server, lastAnswer(page));
  expect(status).toBe(how === 'done' ? 'finished' : how);
  expect(plain(await said(lastAnswer(page)))).toBe(plain(text));
}

async function begin(page: Page, question: string, model = 'simulated/chat?tps=40&tokens=200'): Promise<void> {
  await choose(page, model);
  await ask(page, question);
  await saidMore(lastAnswer(page), 60);
}

test('two tabs show one conversation at the same word, and each what the other does', async () => {
  const context = await playground.device();
  const one = await playground.show('', context);
  await begin(one, 'Tell me about rain.');
  const had = (await said(lastAnswer(one))).length;
  const two = await playground.show(new URL(one.url()).hash, context);
  await lastAnswer(two).waitFor();
  await saidMore(lastAnswer(two), had - 1);
  await isWhole(one);
  await isWhole(two);
  expect(await said(lastAnswer(two))).toBe(await said(lastAnswer(one)));
  await choose(two, long);
  await ask(two, 'And snow?');
  await expect.poll(() => one.locator('.answer').count()).toBe(2);
  await saidMore(lastAnswer(one), 20);
  await one.keyboard.press('Escape'); // ends it for both
  await ended(lastAnswer(two), 'stopped');
  playground.expectNothingBad();
});

test('a link goes on with the conversation at another device, in mid-sentence', async () => {
  const one = await playground.show();
  await begin(one, 'Tell me about ice.', long);
  await one.getByRole('button', { name: 'Go on at another device' }).click();
  const link = await one.getByRole('textbox', { name: 'Address' }).inputValue();
  const had = (await said(lastAnswer(one))).length;
  const two = await playground.show(new URL(link).hash, await playground.device());
  await saidMore(lastAnswer(two), had - 1);
  expect(await lastAnswer(two).getAttribute('aria-busy')).toBe('true');
  expect(await two.locator('.question-text').allTextContents()).toEqual(['Tell me about ice.']);
  await two.keyboard.press('Escape');
  await isWhole(two, 'stopped');
  await isWhole(one, 'stopped');
  // A third one finds what runs without any link.
  await ask(one, 'And glaciers?');
  await saidMore(lastAnswer(one), 20);
  const three = await playground.show('', await playground.device());
  await three.locator('.chats section', { hasText: 'Running elsewhere' }).getByRole('button').first().click();
  await saidMore(lastAnswer(three), 20);
  await three.keyboard.press('Escape');
  await isWhole(three, 'stopped');
  playground.expectNothingBad();
});

test('the server is killed in mid-answer and comes back: the answer goes on', async () => {
  const page = await playground.show();
  await begin(page, 'Tell me about dams.');
  await playground.server.end('SIGKILL');
  await page.locator('.note.reconnecting').waitFor();
  const had = await said(lastAnswer(page));
  await playground.server.launch();
  await saidMore(lastAnswer(page), had.length);
  expect((await said(lastAnswer(page))).startsWith(had.trimEnd())).toBe(true);
  await isWhole(page);
  expect(await page.locator('.note.reconnecting').count()).toBe(0);
  expect(await lastAnswer(page).locator('.stats').textContent()).toContain('reconnected');
  expect(playground.strangers).toEqual([]);
});

test('off the network and on again it goes on by itself', async () => {
  const proxy = await Proxy.before(playground.server, (): Wire => ({ said: data => data }));
  playground.known.add(new URL(proxy.url).host);
  const context = await playground.device();
  const page = await playground.show('', context, proxy.url);
  await begin(page, 'Tell me about wells.');
  await context.setOffline(true);
  proxy.drop();
  await page.locator('.note.reconnecting').waitFor();
  await context.setOffline(false);
  await isWhole(page);
  proxy.dispose();
});

test('the seventh tab streams like the first', async () => {
  const context = await playground.device();
  const tabs: Page[] = [];
  for (let i = 1; i <= 7; i++) {
    const tab = await playground.show('', context);
    await choose(tab, 'simulated/chat?tps=10&tokens=3000'); // longer than seven tabs may take to open
    await ask(tab, `Tab ${i}`);
    tabs.push(tab);
  }
  for (const tab of tabs) await saidMore(lastAnswer(tab), 5);
  for (const tab of tabs) {
    expect(await lastAnswer(tab).getAttribute('aria-busy')).toBe('true');
    expect(await tab.locator('.question-text').allTextContents()).toEqual([`Tab ${tabs.indexOf(tab) + 1}`]);
    expect(await said(lastAnswer(tab))).toContain(`Tab ${tabs.indexOf(tab) + 1}`);
  }
  playground.expectNothingBad();
  await context.close();
});

test('chats that run side by side do not mix, and run on while one looks elsewhere', async () => {
  const page = await playground.show();
  await begin(page, 'Tell me about wine.', 'simulated/chat?tps=40&tokens=120');
  const first = page.url();
  await page.keyboard.press('Alt+n');
  await begin(page, 'Tell me about bread.', 'simulated/chat?tps=40&tokens=120');
  expect(await said(lastAnswer(page))).not.toContain('wine');
  await expect.poll(() => page.locator('.chats .dot').count()).toBeGreaterThan(0);
  await page.locator('.chats a', { hasText: 'wine' }).click();
  expect(page.url()).toBe(first);
  await isWhole(page);
  expect(await said(lastAnswer(page))).toContain('wine');
  await page.locator('.chats a', { hasText: 'bread' }).click();
  await isWhole(page);
  expect(await said(lastAnswer(page))).toContain('bread');
  await expect.poll(() => page.locator('.chats a .dot').count()).toBe(0);
  playground.expectNothingBad();
});
