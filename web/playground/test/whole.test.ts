import { createHash } from 'node:crypto';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { until } from '../../client/test/server.js';
import { expectAccessible } from './accessible.js';
import { ask, choose, ended, figure, lastAnswer, newKey, Playground, said, saidMore } from './playground.js';

// In development and in a loop, as one has it who wants to see it survive; and with keys, so that a link means something.
let playground: Playground;
let secret: string;
beforeAll(async () => {
  const key = newKey('--owner', 'alice', '--admin');
  secret = key.secret;
  playground = await Playground.open({ 'Generations:OnCrash': 'continue', 'Models:either:Targets:0': 'simulated/chat?status=500', 'Models:either:Targets:1': 'simulated/chat', 'Retry:MaxRetries': '0', ...key.settings }, { looped: true });
});
afterAll(() => playground?.dispose());

const asAlice = (path: string, init: RequestInit = {}) => fetch(`${playground.server.url}${path}`, { ...init, headers: { Authorization: `Bearer ${secret}` } });
const panel = (page: Page, title: string) => page.getByRole('complementary', { name: title });
const open = (page: Page, title: string) => page.getByRole('button', { name: title, exact: true }).click();

test('one run through all that no other has: compared, cut, killed, reloaded, shared, inspected, seen live, stopped, proved, copied', { timeout: 180_000 }, async () => {
  const page = await playground.show('#/compare');
  await page.getByLabel('Your key').fill(secret);
  await page.getByRole('button', { name: 'Go on' }).click();

  // Compare: one fails, and an alias whose first target fails is answered by its second.
  await page.getByLabel('Model 1', { exact: true }).fill('either');
  await page.getByLabel('Model 2', { exact: true }).fill('simulated/chat?status=400');
  await page.getByRole('textbox', { name: 'Prompt' }).fill('Tell me about twins.');
  await page.getByRole('button', { name: 'Compare', exact: true }).click();
  await expect.poll(() => page.locator('.lane').evaluateAll(lanes => lanes.map(lane => (lane as HTMLElement).dataset.status))).toEqual(['done', 'error']);
  await expectAccessible(page, 'compare');

  // Prove it: cut, killed, reloaded.
  await page.goto(`${playground.server.url}/#/`);
  await choose(page, 'simulated/chat?tps=30&tokens=5000');
  await page.keyboard.press('Alt+p');
  await page.getByLabel('Most tokens').fill('4000');
  await page.keyboard.press('Alt+p');
  await ask(page, 'Tell me about <b>proofs</b> & more.');
  await open(page, 'Prove it');
  await saidMore(lastAnswer(page), 60);
  await page.getByRole('button', { name: 'Cut my connection' }).click();
  await until('it has come back', async () => (await figure(page, 'Cuts')) === 1 && (await figure(page, 'Resumes')) === 1);
  const killed = Number(/process (\d+)/.exec(await panel(page, 'Prove it').locator('.node').innerText())![1]);
  const had = await said(lastAnswer(page));
  await page.getByRole('button', { name: 'Kill this node' }).click();
  await panel(page, 'Prove it').getByText(`Process ${killed} is dead.`).waitFor();
  await expect.poll(() => { try { return process.kill(killed, 0); } catch { return false; } }).toBe(false);
  await panel(page, 'Prove it').getByText('the next one').waitFor();
  expect(await panel(page, 'Prove it').locator('.node').innerText()).not.toContain(` ${killed},`);
  await saidMore(lastAnswer(page), had.length + 40);
  expect((await said(lastAnswer(page))).startsWith(had.trimEnd())).toBe(true);
  await page.getByRole('button', { name: 'Reload the page' }).click();
  await until('it has come back', async () => (await page.locator('.instrument .figures').count()) === 1 && (await figure(page, 'Reloads')) === 1 && (await figure(page, 'Kills')) === 1);
  const id = (await lastAnswer(page).getAttribute('data-generation'))!;

  // Share: who has the link reads it as it is written, without a key, and asks for nothing else.
  await open(page, 'Share');
  await panel(page, 'Share').getByRole('button', { name: 'Make the link' }).click();
  const link = await panel(page, 'Share').getByRole('textbox', { name: 'Link for reading' }).inputValue();
  await expectAccessible(page, 'share');
  const [ticket] = /(?<=ticket=)[^&]+/.exec(link)!;
  expect(new URL(link).search + new URL(link).pathname, 'it stands in the fragment').toBe('/');
  const context = await playground.device({ viewport: { width: 390, height: 780 } });
  const asked: URL[] = [];
  context.on('request', request => { asked.push(new URL(request.url())); expect(request.headers().referer ?? '').not.toContain(ticket); });
  const guest = await context.newPage();
  await guest.goto(link);
  await saidMore(lastAnswer(guest), had.length);
  expect(await guest.locator('.question-text').innerText()).toBe('Tell me about <b>proofs</b> & more.');
  expect(await guest.locator('button:not(.answer button)').evaluateAll(buttons => buttons.map(button => (button as HTMLElement).title))).toEqual(['Prove it', 'Inspector', 'Protocol lens']);
  await expectAccessible(guest, 'a shared answer');
  await guest.reload();
  await saidMore(lastAnswer(guest), had.length);

  // Inspector: what the server sees, the link's reader among it.
  await open(page, 'Inspector');
  await expect.poll(() => panel(page, 'Inspector').locator('.watchers li').count()).toBe(2);
  await panel(page, 'Inspector').locator('.legend', { hasText: 'node killed' }).waitFor();
  // When it was stored and when it came here are told apart: while the page was away the log grew.
  await panel(page, 'Inspector').locator('.legend', { hasText: 'stored, above' }).waitFor();
  expect(await panel(page, 'Inspector').locator('.bar.here').count()).toBeLessThan(await panel(page, 'Inspector').locator('.bar:not(.here)').count());
  await panel(page, 'Inspector').locator('.way').getByText('Provider').waitFor();

  // Protocol lens.
  await open(page, 'Protocol lens');
  for (const sign of ['event: delta', 'chat.completion.chunk', 'response.output_text.delta', 'content_block_delta']) await panel(page, 'Protocol lens').locator('td', { hasText: sign }).first().waitFor();

  // Live.
  await page.getByRole('link', { name: 'Live' }).click();
  const row = page.locator(`.live li[data-generation="${id}"]`);
  await row.getByText('of alice').waitFor();
  await expect.poll(() => row.locator('dd').nth(3).innerText()).toMatch(/^[2-9]/);
  await page.locator('.operations', { hasText: 'Waiting in the queue' }).waitFor();
  await expectAccessible(page, 'live');
  await row.getByRole('button', { name: 'Attach' }).click();

  // Stop, and its receipt.
  await page.keyboard.press('Escape');
  await ended(lastAnswer(page), 'stopped');
  await expect.poll(() => lastAnswer(page).locator('.stop-receipt').innerText()).toMatch(/^Stopped \d+ ms after you asked, at \d+ tokens.+; up to 3,\d+ more were spared\.$/);

  // What either page got is the log, by our own reading of it.
  const frames = (await (await asAlice(`/v1/generations/${id}/events?after=-1`)).text()).split('\n\n').filter(frame => frame.includes('data: '));
  const events = frames.map(frame => JSON.parse(/^data: (.+)$/m.exec(frame)![1]!) as { at?: number; text?: string });
  const lines = events.map(({ at: _, ...said }, i) => `${/^id: (.+)$/m.exec(frames[i]!)![1]} ${JSON.stringify(said)}`);
  const { text } = (await (await asAlice(`/v1/generations/${id}`)).json()) as { text: string };
  const hash = (whole: string) => createHash('sha256').update(whole).digest('hex');
  for (const reader of [page, guest]) {
    await ended(lastAnswer(reader), 'stopped');
    await open(reader, 'Prove it');
    await reader.locator('.verdict.good').waitFor();
    expect(await reader.locator('.sides .hash').allTextContents()).toEqual([hash(lines.join('\n')), hash(lines.join('\n')), hash(text), hash(text)]);
    expect(await figure(reader, 'Events')).toBe(lines.length);
  }
  expect(await guest.getByRole('button', { name: 'Kill this node' }).count()).toBe(0);

  // The scrubber goes by the times that the log has, on a page that has no others for most of it.
  let stored = 0;
  const pieces = events.map(event => ({ text: '', ...event, at: (stored = event.at ?? stored) - events[0]!.at! }));
  const byThen = (at: number) => pieces.filter(piece => piece.at <= at).map(piece => piece.text).join('');
  await panel(guest, 'Prove it').getByRole('button', { name: 'Close' }).click(); // it covers a phone
  await open(guest, 'Inspector');
  for (const at of [pieces[40]!.at, pieces[90]!.at + 3]) {
    await guest.getByRole('slider', { name: 'Moment' }).fill(String(at));
    await expect.poll(() => guest.locator('.replayed').textContent()).toBe(byThen(at));
  }
  const begun = Date.now();
  await guest.getByRole('button', { name: 'Replay' }).click();
  await until('it goes on from there', async () => (await guest.locator('.replayed').textContent())!.length >= byThen(pieces[120]!.at).length);
  expect(Date.now() - begun).toBeGreaterThan(pieces[120]!.at - pieces[90]!.at - 100);
  await expectAccessible(guest, 'a shared answer, inspected');
  expect(await figure(page, 'Cuts')).toBe(2); // the one that was asked for, and that of the kill
  for (const { pathname, search } of asked) if (pathname.startsWith('/v1') || search.includes(ticket)) expect(pathname).toBe(`/v1/generations/${id}/events`);

  // A log that says something else is told.
  await page.route('**/events?after=-1', async route => {
    const reply = await route.fetch();
    await route.fulfill({ response: reply, body: (await reply.text()).replace('"type":"block_start"', '"type":"block_started"') });
  });
  await page.reload();
  await page.locator('.verdict.bad', { hasText: 'They differ. Where the log has event' }).waitFor();

  // A link that was made up, or is over, opens nothing and says so.
  await guest.goto(link.replace(ticket, `${ticket.slice(0, -2)}AA`));
  await guest.getByText('This link opens nothing any more.').waitFor();
  await guest.goto(`${playground.server.url}/#/`);
  await guest.getByText('This server asks for a key.').waitFor();

  // Copy as code: it asks the same.
  await open(page, 'Copy as code');
  await page.locator('.copy-as pre', { hasText: 'proofs' }).first().waitFor();
  expect(playground.strangers).toEqual([]);
});
