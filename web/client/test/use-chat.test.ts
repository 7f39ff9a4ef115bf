// The AI SDK's useChat as it comes, with `resume: true`, against /api/chat. None of our client is in it.
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createClient } from '../src/index.js';
import { BrowserPage, status } from './browser.js';
import { Server, until } from './server.js';

let server: Server;
let browser: BrowserPage;
beforeAll(async () => {
  server = await Server.start({ 'Storage:Kind': 'memory', 'Cors:Origins:0': '*', 'Generations:Grace': '00:00:03', 'Retry:MaxRetries': '0' });
  browser = await BrowserPage.open();
}, 120_000);
afterAll(async () => {
  await browser?.dispose();
  await server?.dispose();
});

const show = (more: Record<string, string> = {}) => browser.show({ server: server.url, show: 'ui', model: 'simulated/chat?tokens=160&tps=40&ttft=0', ...more });
const text = (page: Page) => page.evaluate(() => document.querySelector('.assistant')?.textContent ?? '');
const said = (page: Page, characters: number) => page.waitForFunction(n => (document.querySelector('.assistant')?.textContent?.length ?? 0) > n, characters);
const generationOf = async (page: Page) => createClient({ baseUrl: server.url }).get((await page.locator('.assistant').getAttribute('id'))!.replace('msg_', 'gen_'));

test('a reload in mid-sentence goes on with the same answer', async () => {
  const page = await show({ id: 'reload' });
  await page.click('#send');
  await said(page, 40);
  const before = await text(page);
  await page.reload();
  await said(page, before.length);
  await status(page, 'ready');
  expect(await page.locator('.assistant').count()).toBe(1);
  expect(await text(page)).toBe((await generationOf(page)).text);
  expect((await text(page)).startsWith(before)).toBe(true);
  await page.reload(); // nothing runs any more
  await status(page, 'ready');
  expect(await page.locator('.assistant').count()).toBe(0);
}, 60_000);

test('a stop stops the answer on the server', async () => {
  const page = await show({ id: 'stop', model: 'simulated/chat?tokens=2000&tps=40&ttft=0' });
  await page.click('#send');
  await said(page, 40);
  await page.click('#stop');
  await status(page, 'ready');
  await until('it is stopped', async () => (await generationOf(page)).status === 'stopped');
}, 60_000);

test('a tool call is rendered with its input', async () => {
  const page = await show({ id: 'tool', prompt: 'Use get_weather for Paris.' });
  await page.click('#send');
  await page.locator('code[data-state="input-available"]').waitFor();
  expect(JSON.parse((await page.locator('code').textContent())!)).toHaveProperty('city');
}, 60_000);

test('an error is a sentence on the page', async () => {
  const page = await show({ id: 'error', model: 'simulated/chat?status=429' });
  await page.click('#send');
  await status(page, 'error');
  const message = await page.locator('#error').textContent();
  expect(message).toMatch(/\w+ .+\./);
  expect(message).not.toContain('{');
}, 60_000);
