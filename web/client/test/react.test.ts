import type { Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createClient } from '../src/index.js';
import { BrowserPage, seen, status } from './browser.js';
import { Proxy, type Wire } from './proxy.js';
import { Server, until } from './server.js';

let server: Server;
let browser: BrowserPage;
beforeAll(async () => {
  server = await Server.start({ 'Storage:Kind': 'memory', 'Cors:Origins:0': '*' });
  browser = await BrowserPage.open();
});
afterAll(async () => {
  await browser?.dispose();
  await server?.dispose();
});

const client = () => createClient({ baseUrl: server.url });

async function generations(): Promise<string[]> {
  const { data } = await (await fetch(`${server.url}/v1/generations?limit=100`)).json() as { data: { id: string }[] };
  return data.map(g => g.id);
}

test('a reload in mid-answer picks it up, shows what there is in one update, and loses and doubles nothing', async () => {
  const before = await generations();
  const page = await browser.show({ server: server.url, show: 'chat', strict: '1' });
  await page.click('#send');
  await page.waitForFunction(() => (document.querySelector('.assistant')?.textContent?.length ?? 0) > 120);
  const had = (await page.textContent('.assistant'))!;
  await page.reload();
  await page.waitForFunction(() => (document.querySelector('.assistant')?.textContent?.length ?? 0) > 0);
  expect(await page.textContent('.user')).toBe('Tell me about rivers.');
  expect((await seen(page)).texts.find(text => text !== '')!.length).toBeGreaterThanOrEqual(had.length);
  await status(page, 'done');
  const id = (await page.textContent('#id'))!;
  const kept = await client().get(id);
  expect(await page.textContent('.assistant')).toBe(kept.text);
  for (const text of (await seen(page)).texts) expect(kept.text.startsWith(text)).toBe(true);
  expect((await generations()).filter(g => !before.includes(g))).toEqual([id]);
  // And it is there after another reload, though nothing runs.
  await page.reload();
  await page.waitForFunction(() => document.querySelector('.assistant') !== null);
  expect(await page.textContent('.assistant')).toBe(kept.text);
  expect(await page.locator('p').count()).toBe(2);
  expect(await page.textContent('#status')).toBe('idle');
});

test('in strict mode nothing is started twice', async () => {
  const before = await generations();
  const model = 'simulated/chat?tokens=30&tps=0&ttft=0';
  const auto = await browser.show({ server: server.url, show: 'auto', strict: '1', key: 'strict-1', model });
  await status(auto, 'done');
  const plain = await browser.show({ server: server.url, show: 'plain', strict: '1', model });
  await status(plain, 'done');
  const started = (await generations()).filter(g => !before.includes(g));
  expect(started).toHaveLength(2);
  for (const id of started) expect([await auto.textContent('#text'), await plain.textContent('#text')]).toContain((await client().get(id)).text);
});

test('to unmount leaves the answer running, and to mount again goes on with it', async () => {
  const page = await browser.show({ server: server.url, show: 'toggle', strict: '1', key: 'toggle-1', model: 'simulated/chat?tokens=150&tps=50' });
  await page.waitForFunction(() => (document.getElementById('text')?.textContent?.length ?? 0) > 60);
  const id = (await page.textContent('#id'))!;
  await page.click('#toggle');
  const { offset } = await client().get(id);
  await until('it goes on', async () => (await client().get(id)).offset > offset + 10);
  expect((await client().get(id)).status).toBe('running');
  await page.click('#toggle');
  await status(page, 'done');
  const kept = await client().get(id);
  expect(kept.status).toBe('finished');
  expect(await page.textContent('#id')).toBe(id);
  expect(await page.textContent('#text')).toBe(kept.text);
});

test('stop ends it on the server and keeps what was said; retry asks again', async () => {
  const page = await browser.show({ server: server.url, show: 'chat', model: 'simulated/chat?tokens=400&tps=40' });
  await page.click('#send');
  await page.waitForFunction(() => (document.querySelector('.assistant')?.textContent?.length ?? 0) > 40);
  const id = (await page.textContent('#id'))!;
  await page.click('#stop');
  await status(page, 'stopped');
  const kept = await client().get(id);
  expect(kept.status).toBe('stopped');
  expect(await page.textContent('.assistant')).toBe(kept.text);
  expect(await page.getAttribute('.assistant', 'data-status')).toBe('stopped');
  await page.click('#retry');
  await page.waitForFunction(old => document.getElementById('id')!.textContent !== old && (document.querySelector('.assistant')?.textContent?.length ?? 0) > 10, id);
  expect(await page.locator('.assistant').count()).toBe(1);
  await page.click('#stop');
  await status(page, 'stopped');
});

test('renders are no more than frames', async () => {
  const page = await browser.show({ server: server.url, show: 'chat', model: 'simulated/chat?tokens=1500&tps=500&ttft=0' });
  await page.evaluate(() => {
    const counter = Object.assign(window, { framesSeen: 0 });
    const count = () => { counter.framesSeen++; requestAnimationFrame(count); };
    count();
  });
  await page.click('#send');
  await status(page, 'done');
  const frames = await page.evaluate(() => (window as unknown as { framesSeen: number }).framesSeen);
  const { renders } = await seen(page);
  expect(renders).toBeLessThan(frames + 10);
  expect(renders).toBeLessThan(700);
  const stats = JSON.parse((await page.textContent('#stats'))!) as { tokens: number; rate: number; ttft: number };
  expect(stats.tokens).toBe(1500);
  expect(stats.rate).toBeGreaterThan(50);
  expect(stats.ttft).toBeGreaterThan(0);
});

test('off the network and on again it goes on by itself', async () => {
  const context = await browser.browser.newContext();
  const proxy = await Proxy.before(server, (): Wire => ({ said: data => data }));
  const page = await browser.show({ server: proxy.url, show: 'chat', model: 'simulated/chat?tokens=200&tps=40' }, context);
  await page.click('#send');
  await page.waitForFunction(() => (document.querySelector('.assistant')?.textContent?.length ?? 0) > 40);
  await context.setOffline(true);
  proxy.drop();
  await status(page, 'reconnecting');
  await context.setOffline(false);
  await status(page, 'streaming', 3000); // woken, not waited for
  await status(page, 'done');
  expect(await page.textContent('.assistant')).toBe((await client().get((await page.textContent('#id'))!)).text);
  expect((await seen(page)).states).toEqual(['idle', 'connecting', 'streaming', 'reconnecting', 'streaming', 'done']);
  proxy.dispose();
});

test('nine tabs stream over one connection, and go on when the tab that holds it is closed', async () => {
  const opened: string[] = [];
  const proxy = await Proxy.before(server, (): Wire => ({ asked: request => { opened.push(request.slice(0, request.indexOf('\r'))); }, said: data => data }));
  const runs = await Promise.all(Array.from({ length: 9 }, (_, n) => client().start({ model: 'simulated/chat?tokens=400&tps=40&ttft=0', prompt: `tab ${n}` })));
  const context = await browser.browser.newContext();
  const pages: Page[] = [];
  for (const { id } of runs) pages.push(await browser.show({ server: proxy.url, show: 'attach', shared: '1', id }, context));
  const filled = (page: Page) => page.waitForFunction(() => (document.getElementById('text')?.textContent?.length ?? 0) > 40);
  await Promise.all(pages.map(filled));
  expect(opened.filter(line => line.includes('/events?streams='))).not.toHaveLength(0);
  expect(opened.filter(line => /gen_\w+\/events/.test(line))).toHaveLength(0);
  await pages[0]!.close();
  await Promise.all(pages.slice(1).map(page => status(page, 'done')));
  for (const [n, page] of pages.entries()) {
    if (n > 0) expect(await page.textContent('#text')).toBe((await client().get(runs[n]!.id)).text);
  }
  proxy.dispose();
});

test('the AI SDK picks an answer up after a reload, and its stop ends it on the server', async () => {
  const page = await browser.show({ server: server.url, show: 'ai', strict: '1', model: 'simulated/chat?tokens=600&tps=40' });
  await page.click('#send');
  await page.waitForFunction(() => (document.querySelector('.assistant')?.textContent?.length ?? 0) > 60);
  const id = (await page.getAttribute('.assistant', 'id'))!;
  const had = (await page.textContent('.assistant'))!;
  await page.reload();
  await page.waitForFunction(length => (document.querySelector('.assistant')?.textContent?.length ?? 0) > length, had.length + 60);
  expect(await page.getAttribute('.assistant', 'id')).toBe(id);
  await page.click('#stop');
  await until('it is stopped', async () => (await client().get(id)).status === 'stopped');
  const kept = await client().get(id);
  expect(kept.text.startsWith((await page.textContent('.assistant'))!)).toBe(true);
});

test('assistant-ui shows the answer as it comes, and cancels it', async () => {
  const page = await browser.show({ server: server.url, show: 'assistant', model: 'simulated/chat?tokens=600&tps=40' });
  await page.click('#send');
  await page.waitForFunction(() => (document.querySelector('.assistant')?.textContent?.length ?? 0) > 60);
  expect(await page.textContent('.user')).toBe('Tell me about rivers.');
  await page.click('#stop');
  await status(page, 'stopped');
  const kept = await client().get((await page.textContent('#id'))!);
  expect(kept.status).toBe('stopped');
  // It types what came at a pace of its own.
  await page.waitForFunction(text => document.querySelector('.assistant')?.textContent?.replaceAll(/\s/g, '') === text, kept.text.replaceAll(/\s/g, ''));
});
