import { createHash, randomBytes } from 'node:crypto';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { until } from '../../client/test/server.js';
import { hex, sha256ByHand } from '../src/instruments/prove/sha256.js';
import { ask, choose, ended, kept, lastAnswer, Playground, saidMore } from './playground.js';

let playground: Playground;
beforeAll(async () => {
  playground = await Playground.open({ 'Storage:Kind': 'memory' });
});
afterAll(() => playground?.dispose());

async function figure(page: Page, name: string): Promise<number> {
  return Number((await page.locator('.figures > div', { has: page.getByText(name, { exact: true }) }).locator('dd').innerText()).replace(/[^\d.]/g, ''));
}

test('prove it: what a page got through a cut and a reload is the log, hash for hash; and a log that says something else is told', async () => {
  const page = await playground.show();
  await choose(page, 'simulated/chat?tps=40&tokens=240');
  await ask(page, 'Tell me about proofs.');
  await page.getByRole('button', { name: 'Prove it' }).click();
  await saidMore(lastAnswer(page), 60);
  await page.getByRole('button', { name: 'Cut my connection' }).click();
  await until('it has come back', async () => (await figure(page, 'Cuts')) === 1 && (await figure(page, 'Resumes')) === 1);
  const had = await figure(page, 'Events');
  await until('it goes on', async () => (await figure(page, 'Events')) > had + 5);
  await page.getByRole('button', { name: 'Reload the page' }).click();
  await until('it has come back', async () => (await page.locator('.figures').count()) === 1 && (await figure(page, 'Reloads')) === 1 && (await figure(page, 'Resumes')) === 2);
  await ended(lastAnswer(page));
  await page.locator('.verdict.good').waitFor();

  // By our own reading of the log.
  const id = await lastAnswer(page).getAttribute('data-generation');
  const frames = (await (await fetch(`${playground.server.url}/v1/generations/${id}/events?after=-1`)).text()).split('\n\n').filter(frame => frame.includes('data: '));
  const lines = frames.map(frame => `${/^id: (.+)$/m.exec(frame)![1]} ${JSON.stringify(JSON.parse(/^data: (.+)$/m.exec(frame)![1]!))}`);
  const hash = (text: string) => createHash('sha256').update(text).digest('hex');
  const { text } = await kept(playground.server, lastAnswer(page));
  expect(await page.locator('.sides .hash').allTextContents()).toEqual([hash(lines.join('\n')), hash(lines.join('\n')), hash(text), hash(text)]);
  expect(await figure(page, 'Events')).toBe(lines.length);
  expect(await figure(page, 'Cuts')).toBe(1);

  await page.route('**/events?after=-1', async route => {
    const reply = await route.fetch();
    await route.fulfill({ response: reply, body: (await reply.text()).replace('"type":"block_stop"', '"type":"block_stopped"') });
  });
  await page.reload();
  await page.locator('.verdict.bad', { hasText: 'They differ. Where the log has event' }).waitFor();
  playground.expectNothingBad();
});

test('a hash that is made by hand is the one that the platform makes', () => {
  for (const length of [0, 1, 55, 56, 63, 64, 65, 1000, 100_000]) {
    const bytes = randomBytes(length);
    expect(hex(sha256ByHand(bytes)), `${length} bytes`).toBe(createHash('sha256').update(bytes).digest('hex'));
  }
});
