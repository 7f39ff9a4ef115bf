import { afterAll, beforeAll, expect, test } from 'vitest';
import { expectAccessible } from './accessible.js';
import { ask, choose, ended, lastAnswer, newKey, Playground, said, saidMore } from './playground.js';
import { Upstream } from './upstream.js';

let upstream: Upstream;
let playground: Playground;
beforeAll(async () => {
  upstream = await Upstream.start({
    long: { text: Array.from({ length: 1000 }, (_, i) => `Paragraph ${i} says something about water.`).join('\n\n'), size: 12, pace: 12 },
    seer: { text: 'A dot.' },
  });
  playground = await Playground.open({ 'Storage:Kind': 'memory', ...upstream.settings });
});
afterAll(async () => {
  await playground?.dispose();
  upstream?.dispose();
});

test('the end is followed until one scrolls up, be it ever so little, and again from the end on', async () => {
  const page = await playground.show();
  await choose(page, 'script/long');
  await ask(page, 'At length.');
  const gap = () => page.locator('.scroller').evaluate(box => box.scrollHeight - box.scrollTop - box.clientHeight);
  const height = () => page.locator('.scroller').evaluate(box => box.scrollHeight);
  const grows = async () => { const before = await height(); await expect.poll(height, { interval: 20, timeout: 20_000 }).toBeGreaterThan(before + 60); };
  await expect.poll(height, { timeout: 20_000 }).toBeGreaterThan(1000);
  await grows();
  expect(await gap()).toBeLessThan(60);
  await page.mouse.move(700, 400);
  await page.mouse.wheel(0, -30);
  const at = () => page.locator('.scroller').evaluate(box => new Promise<number>(done => setTimeout(() => done(box.scrollTop), 250)));
  let top = await at();
  for (let now; (now = await at()) !== top;) top = now; // the browser may take some frames to scroll
  await grows();
  expect(await page.locator('.scroller').evaluate(box => box.scrollTop)).toBe(top);
  await page.locator('.to-end').click();
  await grows();
  expect(await gap()).toBeLessThan(60);
  await page.keyboard.press('Escape'); // it would go on for long: a busy machine may take its time here
  await ended(lastAnswer(page), 'stopped');
});

test('Enter that ends a word of an input method sends nothing', async () => {
  const page = await playground.show();
  await page.locator('#question').fill('すし');
  for (const how of [{ isComposing: true }, { keyCode: 229 }]) {
    await page.locator('#question').evaluate((field, init) => field.dispatchEvent(new KeyboardEvent('keydown', { key: 'Enter', bubbles: true, cancelable: true, ...init })), how);
  }
  await page.locator('#question').press('Shift+Enter');
  expect(await page.locator('#question').inputValue()).toBe('すし\n');
  expect(await page.locator('.turn').count()).toBe(0);
  await page.locator('#question').press('Enter');
  await lastAnswer(page).waitFor();
  expect(await page.locator('#question').inputValue()).toBe('');
});

test('answers are asked for again and questions put in other words, each on a branch of its own', async () => {
  const page = await playground.show();
  await choose(page, 'simulated/chat?tps=0&ttft=0&seed=1');
  await ask(page, 'Tell me about clay.');
  await ended(lastAnswer(page));
  const first = await said(lastAnswer(page));
  await choose(page, 'simulated/chat?tps=0&ttft=0&seed=2');
  await page.keyboard.press('Alt+r');
  await expect.poll(() => lastAnswer(page).locator('.branches').textContent()).toBe('2/2');
  await ended(lastAnswer(page));
  expect(await said(lastAnswer(page))).not.toBe(first);
  await lastAnswer(page).getByRole('button', { name: 'The branch before' }).click();
  expect(await said(lastAnswer(page))).toBe(first);
  // ↑ in an empty field.
  await page.locator('#question').press('ArrowUp');
  await page.getByLabel('The question in other words').fill('Tell me about sand.');
  await page.getByLabel('The question in other words').press('Enter');
  await expect.poll(() => page.locator('.question .branches').textContent()).toBe('2/2');
  await ended(lastAnswer(page));
  expect(await said(lastAnswer(page))).toContain('sand');
  expect(await page.locator('.answer').count()).toBe(1);
  await page.locator('.question').getByRole('button', { name: 'The branch before' }).click();
  await expect.poll(() => lastAnswer(page).locator('.branches').textContent()).toBe('2/2');
  await lastAnswer(page).getByRole('button', { name: 'The branch before' }).click();
  expect(await said(lastAnswer(page))).toBe(first);
  await page.reload();
  await expect.poll(() => said(lastAnswer(page))).toBe(first);
  page.on('dialog', dialog => void dialog.accept());
  await page.getByRole('button', { name: 'Branch', exact: true }).click();
  await expect.poll(() => page.locator('.chats a').count()).toBe(2);
  expect(await said(lastAnswer(page))).toBe(first);
  // What is deleted is not waited for any more.
  await choose(page, 'simulated/chat?tps=5&tokens=5000');
  await ask(page, 'And without end?');
  await saidMore(lastAnswer(page), 5);
  const id = await lastAnswer(page).getAttribute('data-generation');
  await page.locator('.chats li', { hasText: '(branch)' }).hover();
  await page.getByRole('button', { name: /^Delete .*branch/ }).click();
  await page.locator('.empty').waitFor();
  await expect.poll(async () => ((await (await fetch(`${playground.server.url}/v1/generations/${id}`)).json()) as { status: string }).status).toBe('stopped');
  expect(await page.locator('.chats a').count()).toBe(1);
  playground.expectNothingBad();
});

test('pictures are dropped, pasted and picked, and reach the model', async () => {
  const page = await playground.show();
  const png = Buffer.from('iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg==', 'base64');
  await page.locator('input[type=file]').setInputFiles({ name: 'dot.png', mimeType: 'image/png', buffer: png });
  await expect.poll(() => page.locator('.attachments li').count()).toBe(1);
  for (const type of ['paste', 'drop']) {
    await page.locator('#question').evaluate((field, { type, base64 }) => {
      const data = new DataTransfer();
      data.items.add(new File([Uint8Array.from(atob(base64), c => c.charCodeAt(0))], 'dot.png', { type: 'image/png' }));
      field.dispatchEvent(type === 'paste' ? new ClipboardEvent('paste', { clipboardData: data, bubbles: true, cancelable: true }) : new DragEvent('drop', { dataTransfer: data, bubbles: true, cancelable: true }));
    }, { type, base64: png.toString('base64') });
  }
  await expect.poll(() => page.locator('.attachments li').count()).toBe(3);
  await page.getByRole('button', { name: 'Take picture 3 away' }).click();
  await choose(page, 'script/seer');
  await ask(page, 'What is it?');
  await ended(lastAnswer(page));
  expect(upstream.calls.at(-1)!.request.messages[0]!.content).toEqual([
    { type: 'text', text: 'What is it?' },
    ...[1, 2].map(() => ({ type: 'image_url', image_url: { url: `data:image/png;base64,${png.toString('base64')}` } })),
  ]);
  expect(await page.locator('.question img').count()).toBe(2);
  playground.expectNothingBad();
});

test('a failure says what happened and what to do, and trying again makes room', async () => {
  const page = await playground.show();
  await choose(page, 'simulated/chat?status=429&retry_after=2');
  await ask(page, 'Now.');
  await ended(lastAnswer(page), 'error');
  expect(await page.locator('.error').textContent()).toContain('wait a little and try again');
  await choose(page, 'simulated/chat?tps=0');
  await page.getByRole('button', { name: 'Try again' }).click();
  await ended(lastAnswer(page));
  expect(await page.locator('.answer').count()).toBe(1);
  expect(await page.locator('.branches').count()).toBe(0);
  // What came before a failure stays.
  await choose(page, 'simulated/chat?cut=40&tps=0');
  await ask(page, 'Cut it.');
  await ended(lastAnswer(page), 'error');
  expect((await said(lastAnswer(page))).length).toBeGreaterThan(40);
  playground.expectNothingBad();
});

test('a screen reader hears begin and end, not each word', async () => {
  const page = await playground.show();
  const log = page.getByRole('log');
  expect(await log.getAttribute('aria-live')).toBe('off');
  await choose(page, 'simulated/chat?tps=150&tokens=200');
  await ask(page, 'Tell me about light.');
  const status = page.locator('[role=status]');
  await expect.poll(() => status.textContent()).toBe('The answer begins.');
  await ended(lastAnswer(page));
  await expect.poll(() => status.textContent()).toBe('The answer is complete.');
  await page.getByLabel('Read aloud').check();
  await page.evaluate(() => {
    const heard: string[] = Object.assign(window, { heard: [] as string[] }).heard;
    new MutationObserver(() => { const text = document.querySelector('[aria-live=polite]:not([role])')?.textContent; if (text && heard.at(-1) !== text) heard.push(text); }).observe(document.body, { subtree: true, childList: true, characterData: true });
  });
  await ask(page, 'And about shadow?');
  await ended(lastAnswer(page));
  const heard = await page.evaluate(() => (window as unknown as { heard: string[] }).heard);
  expect(heard.length).toBeGreaterThan(3);
  expect(heard.length).toBeLessThan(40);
  const words = (text: string) => text.replace(/[^\p{L}]/gu, '');
  expect(words(await said(lastAnswer(page)))).toContain(words(heard.join('')).slice(0, 400));
});

test('all is done with keys', async () => {
  const page = await playground.show();
  await page.locator('#question').blur();
  await page.keyboard.press('?');
  await page.getByRole('heading', { name: 'Keys' }).waitFor();
  await page.keyboard.press('Escape');
  await page.keyboard.press('/');
  await page.keyboard.type('Hello there');
  await page.keyboard.press('Enter');
  await saidMore(lastAnswer(page), 20);
  await page.keyboard.press('Escape');
  await ended(lastAnswer(page), 'stopped');
  await page.keyboard.press('Alt+m');
  await page.keyboard.type('reasoner');
  await page.keyboard.press('Enter');
  expect(await page.locator('.model-button').textContent()).toContain('simulated/reasoner');
  await page.keyboard.press('Alt+n');
  await page.locator('.empty').waitFor();
  await page.keyboard.press('Alt+t');
  expect(await page.locator('html').getAttribute('data-theme')).toBe('light');
  await page.keyboard.press('Alt+t');
  expect(await page.locator('html').getAttribute('data-theme')).toBe('dark');
  await page.reload();
  expect(await page.locator('html').getAttribute('data-theme')).toBe('dark');
  await page.keyboard.press('Alt+k');
  await page.keyboard.type('hello');
  expect(await page.locator('.chats a').count()).toBe(1);
  await page.keyboard.press('Tab');
  await page.keyboard.press('Enter');
  await lastAnswer(page).waitFor();
  playground.expectNothingBad();
});

test('a server that asks for a key gets it from the page, which keeps it in its tab', async () => {
  const { secret, settings } = newKey('--owner', 'alice');
  const guarded = await Playground.open({ 'Storage:Kind': 'memory', ...settings });
  try {
    const page = await guarded.show();
    await page.getByText('This server asks for a key.').waitFor();
    await expectAccessible(page, 'the key');
    await page.getByLabel('Your key').fill('pk_wrong');
    await page.getByRole('button', { name: 'Go on' }).click();
    await page.getByText('does not open this').waitFor();
    await page.getByLabel('The key that you gave').fill(secret);
    await page.getByRole('button', { name: 'Go on' }).click();
    await page.locator('.empty').waitFor();
    await choose(page, 'simulated/chat?tps=0');
    await ask(page, 'Open up.');
    await ended(lastAnswer(page));
    expect(await page.evaluate(() => JSON.stringify({ ...localStorage }))).not.toContain(secret);
    expect(await page.evaluate(() => JSON.stringify({ ...sessionStorage }))).toContain(secret);
    expect(page.url()).not.toContain(secret);
    expect(guarded.strangers).toEqual([]);
  } finally {
    await guarded.dispose();
  }
});
