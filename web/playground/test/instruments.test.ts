import { execFileSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { until } from '../../client/test/server.js';
import type { MarkKind } from '../src/instruments/marks.js';
import { hex, sha256ByHand } from '../src/instruments/prove/sha256.js';
import { timingOf } from '../src/instruments/timing.js';
import { ask, choose, ended, figure, kept, lastAnswer, Playground, saidMore } from './playground.js';

let playground: Playground;
beforeAll(async () => {
  playground = await Playground.open({ 'Storage:Kind': 'memory', 'Streams:Heartbeat': '00:00:02' });
});
afterAll(() => playground?.dispose());

test('the inspector tells why an answer waited, what a stop took, and replays it', async () => {
  const page = await playground.show();
  await choose(page, 'simulated/chat?tps=40&stall=30');
  await ask(page, 'Tell me about patience.');
  await page.getByRole('button', { name: 'Inspector' }).click();
  await page.locator('.timeline .beat').first().waitFor();
  await page.keyboard.press('Escape');
  await ended(lastAnswer(page), 'stopped');
  await page.locator('.stalls .upstream', { hasText: /of life came from the server.+and its log had no more\. The model said nothing\./ }).waitFor();
  await expect.poll(() => page.locator('.timeline .stop').count()).toBe(1); // the request may be answered after the stream has ended
  await expect.poll(() => lastAnswer(page).locator('.stop-receipt').innerText()).toMatch(/^Stopped \d+ ms after you asked, at \d+ tokens \(\d+ in, \d+ out, .+\)\.$/);
  expect(await figure(page, 'Tokens')).toBeGreaterThanOrEqual(30);
  expect(await page.locator('.figures').innerText()).toMatch(/First token\s+[\d.]+ m?s/);

  const text = await page.locator('.replayed').innerText();
  await page.getByRole('slider', { name: 'Moment' }).fill('0');
  await expect.poll(() => page.locator('.replayed').innerText()).toBe('');
  await page.getByRole('button', { name: /^Speed/ }).click(); // 4 times
  await page.getByRole('button', { name: 'Replay' }).click();
  await until('some of it is replayed', async () => (await page.locator('.replayed').innerText()).length > 0);
  expect(await page.getByRole('button', { name: 'Pause' }).count()).toBe(1);
  await expect.poll(() => page.locator('.replayed').innerText(), { timeout: 15_000 }).toBe(text);

  // The connection is away for longer than one notices.
  await choose(page, 'simulated/chat?tps=40&tokens=150');
  await ask(page, 'And of absence?');
  await saidMore(lastAnswer(page), 60);
  await page.route('**/v1/generations/events?**', route => route.abort());
  await page.getByRole('button', { name: 'Prove it' }).click();
  await page.getByRole('button', { name: 'Cut my connection' }).click();
  await page.getByRole('button', { name: 'Inspector' }).click();
  await page.waitForTimeout(1200); // that it is away is what is tested
  await page.unroute('**/v1/generations/events?**');
  await ended(lastAnswer(page));
  await page.locator('.stalls .network', { hasText: 'The connection was away' }).waitFor();
  playground.expectNothingBad();
});

test('the lens shows one run as the frames of every protocol, row by row, while it is written and when it has ended', async () => {
  const page = await playground.show();
  await choose(page, 'simulated/chat?tps=20&tokens=140');
  await ask(page, 'Tell me about lenses.');
  await page.getByRole('button', { name: 'Protocol lens' }).click();
  const column = (n: number) => page.locator(`.lens-frames tbody td:nth-of-type(${n})`);
  await until('frames come while it is written', async () => (await page.locator('.lens-frames[aria-busy=true] tbody tr').count()) > 3);
  for (const name of ['Gemini', 'Plain text', 'AI SDK', 'AG-UI']) await page.getByRole('group', { name: 'Protocols' }).getByRole('button', { name }).click();
  await ended(lastAnswer(page));
  const signs = ['event: delta', '"object":"chat.completion.chunk"', 'response.output_text.delta', 'event: content_block_delta', '"candidates"', 'event: token', '"type":"text-delta"', 'TEXT_MESSAGE_CONTENT'];
  for (const [i, sign] of signs.entries()) await until(`${sign} is in column ${i + 1}`, async () => (await column(i + 1).allTextContents()).some(text => text.includes(sign)));
  // A row is one event in all of them.
  const row = page.locator('.lens-frames tbody tr', { hasText: 'event: delta' }).last();
  const word = JSON.parse(/"text":("(?:[^"\\]|\\.)*")/.exec(await row.locator('td').first().innerText())![1]!) as string;
  for (const cell of await row.locator('td').allInnerTexts()) expect(cell).toContain(word.trim());
  playground.expectNothingBad();
});

test('models are compared on one clock, and one that fails stops none of the others', async () => {
  const page = await playground.show();
  await page.getByRole('link', { name: 'Compare models' }).click();
  await page.getByRole('button', { name: 'Model', exact: true }).click();
  for (const [i, model] of ['simulated/chat?tps=100&tokens=40', 'simulated/chat?tps=25&tokens=40', 'simulated/chat?status=400'].entries()) await page.getByLabel(`Model ${i + 1}`, { exact: true }).fill(model);
  await page.getByRole('textbox', { name: 'Prompt' }).fill('Tell me about races.');
  await page.getByRole('button', { name: 'Compare', exact: true }).click();
  await expect.poll(() => page.locator('.lane').evaluateAll(lanes => lanes.map(lane => (lane as HTMLElement).dataset.status)), { timeout: 30_000 }).toEqual(['done', 'done', 'error']);
  await page.locator('.lane').nth(2).getByRole('alert').waitFor();
  const figures = await page.locator('.lane').evaluateAll(lanes => lanes.map(lane => [...lane.querySelectorAll('dd')].map(dd => dd.textContent)));
  for (const [first, total, rate, usage] of figures.slice(0, 2)) {
    expect(first).toMatch(/^[\d.]+ m?s$/);
    expect(total).toMatch(/^[\d.]+ m?s$/);
    expect(Number(rate)).toBeGreaterThan(0);
    expect(usage).toMatch(/^\d+ \/ 40$/);
  }
  expect(Number(figures[0]![2]), 'the faster one is seen to be faster').toBeGreaterThan(Number(figures[1]![2]));
  playground.expectNothingBad();
});

test('what runs is seen live, attached to and stopped, whoever asked for it', async () => {
  const start = async (prompt: string) => ((await (await fetch(`${playground.server.url}/v1/generations`, { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify({ model: 'simulated/chat?tps=10&tokens=2000', prompt }) })).json()) as { id: string }).id;
  const [one, two] = [await start('The first.'), await start('The second.')];
  const page = await playground.show();
  await page.getByRole('link', { name: 'Live' }).click();
  const row = (id: string) => page.locator(`.live li[data-generation="${id}"]`);
  await row(one).waitFor();
  await expect.poll(() => row(two).locator('dd').nth(2).innerText(), { timeout: 15_000 }).toMatch(/^\d+(\.\d)?$/); // a rate
  await row(one).getByRole('button', { name: 'Stop' }).click();
  await row(one).waitFor({ state: 'detached' });
  expect(((await (await fetch(`${playground.server.url}/v1/generations/${one}`)).json()) as { status: string }).status).toBe('stopped');
  await row(two).getByRole('button', { name: 'Attach' }).click();
  await saidMore(lastAnswer(page), 20);
  expect(await lastAnswer(page).getAttribute('data-generation')).toBe(two);
  await page.keyboard.press('Escape');
  await ended(lastAnswer(page), 'stopped');
  playground.expectNothingBad();
});

test('a question is copied as code that works', async () => {
  const page = await playground.show();
  await choose(page, 'simulated/chat?tps=0&ttft=0&tokens=12');
  await ask(page, "What's in a name?");
  await ended(lastAnswer(page));
  await page.getByRole('button', { name: 'Copy as code' }).click();
  const code = page.locator('.copy-as pre').first();
  const [once, again] = (await code.innerText()).split('# Go on after a cut, with the last id that came');
  const said = execFileSync('sh', ['-c', once!], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
  const whole = (text: string) => [...text.matchAll(/"delta":\{"content":("(?:[^"\\]|\\.)*")/g)].map(match => JSON.parse(match[1]!) as string).join('');
  expect(whole(said)).toBe((await kept(playground.server, lastAnswer(page))).text);
  const ids = [...said.matchAll(/^id: (.+)$/gm)].map(match => match[1]!);
  const rest = execFileSync('sh', ['-c', `last_id=${ids[5]}; ${again}`], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
  expect(said.endsWith(rest)).toBe(true);
  expect(rest.length).toBeGreaterThan(0);
  for (const name of ['Penstock (JS)', 'OpenAI (JS)', 'Penstock (.NET)', 'OpenAI (.NET)']) {
    await page.getByRole('button', { name, exact: true }).click();
    await until(`${name} is shown`, async () => (await code.innerText()).includes("What's in a name?"));
  }
  playground.expectNothingBad();
});

test('a silence is told by what was known in it', () => {
  const stallOf = (...marks: [number, MarkKind][]) => timed([1000, 1010, 1020, 5000, 5010].map(received => [undefined, received]), marks).stalls[0]!;
  expect(stallOf().cause).toBe('upstream');
  expect(stallOf([2000, 'quiet'], [3000, 'quiet'])).toMatchObject({ cause: 'upstream', says: expect.stringContaining('its log had no more') });
  expect(stallOf([2000, 'quiet'], [4900, 'behind']).cause, 'what ended it was on its way').toBe('upstream');
  expect(stallOf([2000, 'behind'], [3000, 'behind'])).toMatchObject({ cause: 'network', says: expect.stringContaining('on its way') });
  expect(stallOf([2000, 'queued']).cause).toBe('queue');
  expect(stallOf([2000, 'behind'], [2500, 'hidden']).cause).toBe('hidden');
  expect(stallOf([2000, 'kill'], [2001, 'cut'])).toMatchObject({ cause: 'network', says: expect.stringContaining('killed') });
});

/** What an answer that was asked for at 900 looks like, of which the page got deltas, each with when it was stored by the server's clock. */
function timed(events: [at: number | undefined, received: number][], marks: [number, MarkKind][]) {
  const seen = events.map(([at, received], offset) => ({ live: true, event: { type: 'delta', block: 0, text: 'x', id: `gen_a.${offset}`, offset, at, received, replay: false } as const }));
  return timingOf({ generation: 'gen_a', from: -1, seen, marks: marks.map(([at, kind]) => ({ at, kind })) }, 900, 5020);
}

test('what was stored and came late is told from what was not stored, whatever the clocks say', () => {
  // The server's clock is an hour behind.
  const hour = 3_600_000;
  const events = (stored: number[], here: number[]) => stored.map((at, i): [number, number] => [at - hour, here[i]!]);
  const here = [1005, 1015, 1025, 5000, 5005];
  expect(timed(events([1000, 1010, 1020, 4995, 5000], here), []).stalls).toMatchObject([{ cause: 'upstream', from: 125, to: 4100 }]);
  const late = timed(events([1000, 1010, 1020, 1030, 5000], here), []);
  expect(late.stalls).toMatchObject([{ cause: 'upstream', from: 135, to: 4105 }, { cause: 'network', from: 135, to: 4100 }]);
  expect(late.stalls[1]).toMatchObject({ says: expect.stringContaining('The server had it') });
  expect(late.points[3]).toMatchObject({ at: 135, here: 4100 });
  expect(timed(events([1000, 1010, 1020, 1030, 5000], here), [[1100, 'cut'], [4990, 'back']]).stalls[1]).toMatchObject({ cause: 'network', says: expect.stringContaining('The connection was away') });
  // First the model was silent, then the tab was hidden.
  expect(timed(events([1000, 1010, 1020, 3000, 5000], here), [[3000, 'hidden']]).stalls.map(s => [s.cause, s.from, s.to])).toEqual([['upstream', 125, 2105], ['upstream', 2105, 4105], ['hidden', 2105, 4100]]);
  expect(timed(events([1000, 1010, 1020, 5000, 5000], here), [[1030, 'kill']]).stalls[0]).toMatchObject({ cause: 'network', says: expect.stringContaining('killed') });
});

test('of an answer that nobody watched the log knows the times', async () => {
  const generation = ((await (await fetch(`${playground.server.url}/v1/generations`, { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify({ model: 'simulated/chat?tps=10&tokens=15&ttft=300', prompt: 'Alone.' }) })).json()) as { id: string }).id;
  await until('it has ended', async () => ((await (await fetch(`${playground.server.url}/v1/generations/${generation}`)).json()) as { status: string }).status === 'finished');
  const frames = (await (await fetch(`${playground.server.url}/v1/generations/${generation}/events`)).text()).match(/"at":\d+/g)!.map(at => Number(at.slice(5)));
  const page = await playground.show(`#/g/${generation}`);
  await page.getByRole('button', { name: 'Inspector' }).click();
  await page.locator('.timeline .ttft').waitFor();
  expect(await page.locator('.figures').innerText()).toMatch(/First token\s+(299|[3-9]\d\d) ms|First token\s+[\d.]+ s/);
  expect(await figure(page, 'Tokens/s')).toBeGreaterThan(2);
  expect(await figure(page, 'Tokens/s')).toBeLessThan(11);

  // At its own pace: it takes as long as it took.
  const length = frames.at(-1)! - frames[0]!;
  const text = await page.locator('.replayed').innerText();
  const begun = Date.now();
  await page.getByRole('button', { name: 'Replay' }).click();
  await until('it has begun anew', async () => (await page.locator('.replayed').innerText()).length < text.length / 2);
  await expect.poll(() => page.locator('.replayed').innerText(), { timeout: 30_000 }).toBe(text);
  expect(Date.now() - begun).toBeGreaterThan(length);
  playground.expectNothingBad();
});

test('a hash that is made by hand is the one that the platform makes', () => {
  for (const length of [0, 1, 55, 56, 63, 64, 65, 1000, 100_000]) {
    const bytes = randomBytes(length);
    expect(hex(sha256ByHand(bytes)), `${length} bytes`).toBe(createHash('sha256').update(bytes).digest('hex'));
  }
});
