import { afterAll, beforeAll, expect, test } from 'vitest';
import { ask, choose, ended, lastAnswer, Playground, said, saidMore } from './playground.js';
import { Upstream } from './upstream.js';

const markdown = `# Rivers

A *river* has **three** parts, and $v = \\frac{s}{t}$:

\`\`\`python
def flow(width, depth):
    # in cubic metres
    return width * depth
\`\`\`

| Part | Slope |
|------|------:|
| upper | 5 |

$$
\\int_0^1 x^2 dx = \\frac{1}{3}
$$

- [x] done

The end.`;

const hostile = `<script>window.pwned = 1</script><img src=x onerror="window.pwned = 2"><svg onload="window.pwned = 3"></svg>

![tracker](https://tracker.example/pixel.png) ![x](javascript:alert(1)) ![ref][r]

[r]: https://tracker.example/ref.png

[click](javascript:window.pwned=4) [data](data:text/html,<script>window.pwned=5</script>) [local](/v1/generations) [ok](https://example.com/?a=1&b=2)

<iframe src="https://tracker.example/frame"></iframe> <link rel="stylesheet" href="https://tracker.example/a.css"> <style>@import "https://tracker.example/b.css"; body { display: none }</style>

<a href="javascript:window.pwned=6">a</a> <base href="https://tracker.example/"> <form action="https://tracker.example"><input autofocus onfocus="window.pwned=7"></form>

$\\href{javascript:window.pwned=8}{x}$ $\\includegraphics{https://tracker.example/m.png}$ $\\htmlStyle{background:url(https://tracker.example/s.png)}{x}$

\`\`\`html
<script>window.pwned = 9</script>
\`\`\`

\`<img src=x onerror=window.pwned=10>\` "><img src=x onerror=window.pwned=11>

Done.`;

let upstream: Upstream;
let playground: Playground;
beforeAll(async () => {
  upstream = await Upstream.start({
    markdown: { text: markdown, size: 3, pace: 10 },
    hostile: { text: hostile, size: 7, pace: 1 },
    code: { text: `Here it is:\n\n\`\`\`js\n${'const drop = "of water"; // one of many\n'.repeat(60)}\`\`\`\n\nAnd that was it.`, size: 10, pace: 8 },
    thinker: { reasoning: 'First I look at what is certain. '.repeat(10), text: 'It is so.', pace: 40 },
    caller: { text: 'I look it up.', tool: { name: 'get_weather', arguments: '{"city":"Paris","days":3}' }, size: 4 },
  });
  playground = await Playground.open({ 'Storage:Kind': 'memory', ...upstream.settings });
});
afterAll(async () => {
  await playground?.dispose();
  upstream?.dispose();
});

test('Markdown, code and mathematics are set as they come, and code is coloured once it is closed', async () => {
  const page = await playground.show();
  await choose(page, 'script/markdown');
  await page.evaluate(() => {
    const early: string[] = Object.assign(window, { early: [] as string[] }).early;
    new MutationObserver(() => {
      const code = document.querySelector('.answer pre code');
      if (code?.querySelector('[class^=hl-]') && !code.textContent.endsWith('width * depth')) early.push(code.textContent);
    }).observe(document.body, { subtree: true, childList: true, characterData: true });
  });
  await ask(page, 'Tell me.');
  const answer = lastAnswer(page);
  await ended(answer);
  expect(await page.evaluate(() => (window as unknown as { early: string[] }).early)).toEqual([]);
  await answer.locator('.hl-keyword', { hasText: 'def' }).waitFor();
  expect(await answer.locator('pre').first().textContent()).toBe('def flow(width, depth):\n    # in cubic metres\n    return width * depth');
  await expect.poll(() => answer.locator('.katex').count()).toBe(2);
  expect(await answer.locator('h2').textContent()).toBe('Rivers');
  expect(await answer.locator('td').allTextContents()).toEqual(['upper', '5']);
  expect(await answer.locator('input[type=checkbox]').isChecked()).toBe(true);
  await page.evaluate(() => document.fonts.ready);
  expect(await page.evaluate(() => [...document.fonts].some(font => font.family.startsWith('KaTeX') && font.status === 'loaded'))).toBe(true);
  playground.expectNothingBad();
});

test('a copy button stays where and what it is while its code grows, and copies all of it', async () => {
  const context = await playground.device({ permissions: ['clipboard-read', 'clipboard-write'] });
  const page = await playground.show('', context);
  await choose(page, 'script/code');
  await ask(page, 'Code, please.');
  const button = lastAnswer(page).getByRole('button', { name: 'Copy code' });
  await button.waitFor();
  const early = (await button.elementHandle())!;
  await ended(lastAnswer(page));
  await lastAnswer(page).locator('.hl-keyword').first().waitFor();
  expect(await early.evaluate(element => element.isConnected)).toBe(true);
  await early.click();
  expect(await page.evaluate(() => navigator.clipboard.readText())).toBe('const drop = "of water"; // one of many\n'.repeat(60).trimEnd());
  expect(await early.textContent()).toContain('Copied');
});

test('a selection survives that its text grows, is settled and would be coloured', async () => {
  const page = await playground.show();
  await choose(page, 'script/code');
  await ask(page, 'Code, please.');
  const answer = lastAnswer(page);
  await answer.locator('pre code', { hasText: 'water' }).waitFor();
  const selected = () => page.evaluate(() => document.getSelection()!.toString());
  await answer.locator('pre').evaluate(pre => {
    const node = pre.querySelector('span')!.firstChild!;
    document.getSelection()!.setBaseAndExtent(node, 6, node, 16);
  });
  expect(await selected()).toBe('drop = "of');
  await ended(answer);
  expect(await selected()).toBe('drop = "of');
  await page.evaluate(() => document.getSelection()!.removeAllRanges());
  await answer.locator('.hl-keyword').first().waitFor();
  // And in a paragraph that grows.
  await choose(page, 'simulated/chat?tps=40');
  await ask(page, 'Prose now.');
  await saidMore(lastAnswer(page), 30);
  await lastAnswer(page).locator('p').first().evaluate(p => {
    const node = p.querySelector('span')!.firstChild!;
    document.getSelection()!.setBaseAndExtent(node, 1, node, 6);
  });
  const words = await selected();
  await saidMore(lastAnswer(page), 300);
  expect(await selected()).toBe(words);
  expect(words).toHaveLength(5);
});

test('what a model writes runs nothing and fetches nothing', async () => {
  const context = await playground.device();
  const page = await playground.show('', context);
  let dialogs = 0;
  page.on('dialog', dialog => { dialogs++; void dialog.dismiss(); });
  const asked: string[] = [];
  await choose(page, 'script/hostile');
  await ask(page, 'Do your worst.');
  page.on('request', request => asked.push(request.url()));
  await ended(lastAnswer(page));
  await lastAnswer(page).locator('.katex').first().waitFor();
  expect(await page.evaluate(() => (window as { pwned?: number }).pwned)).toBeUndefined();
  expect(dialogs).toBe(0);
  expect(asked.filter(url => !url.startsWith(`${playground.server.url}/v1/`) && !url.startsWith(`${playground.server.url}/assets/`))).toEqual([]);
  expect(await lastAnswer(page).locator('script, iframe, link, style, base, form, svg:not(.icon), img').count()).toBe(0);
  const links = await lastAnswer(page).locator('a').evaluateAll(all => all.map(a => [a.getAttribute('href'), a.getAttribute('rel')]));
  expect(links.map(([href]) => href)).toEqual(['https://tracker.example/pixel.png', 'https://tracker.example/ref.png', 'https://example.com/?a=1&b=2']);
  for (const [, rel] of links) expect(rel).toContain('noopener');
  // It is there to be read.
  expect(await said(lastAnswer(page))).toContain('<script>window.pwned = 1</script>');
  playground.expectNothingBad();
});

test('thoughts are folded until one opens them', async () => {
  const page = await playground.show();
  await choose(page, 'script/thinker');
  await ask(page, 'Is it so?');
  const answer = lastAnswer(page);
  await answer.locator('summary', { hasText: 'Thinking' }).waitFor();
  expect(await answer.locator('.reasoning-text').count()).toBe(0);
  await answer.locator('summary').click();
  await answer.locator('.reasoning-text').waitFor();
  await ended(answer);
  expect(await answer.locator('.reasoning-text').textContent()).toBe('First I look at what is certain. '.repeat(10));
  expect(await answer.locator('summary').textContent()).toContain('Thoughts');
  expect(await said(answer)).toBe('It is so.');
});

test('a tool’s call is shown as it arrives, and answered by the person', async () => {
  const page = await playground.show();
  await choose(page, 'script/caller');
  await page.keyboard.press('Alt+p');
  await page.getByLabel('Tools').fill('[{"type": "function", "function": {"name": "get_weather", "parameters": {"type": "object"}}}]');
  await page.getByRole('textbox', { name: 'System prompt' }).fill('Be brief.');
  await page.getByLabel('Temperature').fill('0.5');
  await ask(page, 'How is the weather?');
  await lastAnswer(page).locator('.tool-call code', { hasText: 'get_weather' }).waitFor();
  await ended(lastAnswer(page));
  expect(JSON.parse((await lastAnswer(page).locator('.tool-call pre').textContent())!)).toEqual({ city: 'Paris', days: 3 });
  const first = upstream.calls.at(-1)!.request;
  expect(first.messages[0]).toEqual({ role: 'system', content: 'Be brief.' });
  expect(first.temperature).toBe(0.5);
  expect(first.tools).toHaveLength(1);
  await page.getByLabel('Result of get_weather').fill('{"degrees": 21}');
  await page.getByRole('button', { name: 'Send result' }).click();
  await expect.poll(() => page.locator('.answer').count()).toBe(2);
  await ended(lastAnswer(page));
  expect(upstream.calls.at(-1)!.request.messages.slice(2)).toMatchObject([
    { role: 'assistant', tool_calls: [{ id: 'call_1', function: { name: 'get_weather' } }] },
    { role: 'tool', tool_call_id: 'call_1', content: '{"degrees": 21}' },
  ]);
  // A setting that is no JSON is told before anything is sent.
  await page.getByLabel('Other fields').fill('{oops');
  await ask(page, 'Again.');
  await page.locator('.composer-trouble', { hasText: 'not JSON' }).waitFor();
  playground.expectNothingBad();
});
