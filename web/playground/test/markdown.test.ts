import type { Token } from 'marked';
import { expect, test } from 'vitest';
import { decodeEntities } from '../src/markdown/entities.js';
import { MarkdownStream, type MarkdownBlock } from '../src/markdown/parse.js';

const page = `# A title with *emphasis*

A paragraph with **bold words**, \`code\`, a [link](https://example.com/a_b) and ~~nothing~~. It costs $5 or $6, not 2 * 3 * 4 or snake_case_names.
It has a second line,  
and a third.

Setext
------

- one
- two with **bold** and \`co*de\`
  - nested
  - deeper [link](https://example.com)
- [ ] open
- [x] done

1. first

   with a paragraph
2. second

> A quote that goes on
> and on

| Name | Size |
|:-----|-----:|
| a    | 1    |
| **b** | \`2\` |

\`\`\`ts
const a = '\`\`';
# no heading
- no list

\`\`\`

~~~
tilde
~~~

Inline $a^2 + b^2$ and \\(c^2\\), then

$$
\\frac{1}{2}
$$

\\[ x * y * z \\]

***both*** and __strong__ and _em_ &amp; <b>html</b> ![picture](https://example.com/a.png)

---

The end.
`;

/** What stands on the page: the words of a block, and what shape it has. */
function words(tokens: readonly Token[]): string {
  return tokens.map(token => {
    if (token.type === 'list') return token.items.map((item: { tokens: Token[] }) => words(item.tokens)).join('');
    if (token.type === 'table') return [...token.header, ...token.rows.flat()].map((cell: { tokens: Token[] }) => words(cell.tokens)).join('');
    if ('tokens' in token && token.tokens && token.type !== 'image') return words(token.tokens);
    return ['hr', 'br', 'space', 'checkbox'].includes(token.type) ? '' : String((token as { text?: string }).text ?? token.raw);
  }).join('').replace(/\s/g, '');
}

const text = (blocks: readonly MarkdownBlock[]) => words(blocks.map(block => block.token as Token));
const shape = (block: MarkdownBlock) => [block.token.type, (block.token as { depth?: number }).depth, text([block])];

test('fed letter by letter it is in the end what it is at once', () => {
  const stream = new MarkdownStream();
  for (let i = 0; i <= page.length; i++) stream.update(page.slice(0, i), false);
  const grown = stream.update(page, true).map(shape);
  expect(grown).toEqual(new MarkdownStream().update(page, true).map(shape));
  expect(grown.map(([type]) => type)).toEqual(['heading', 'paragraph', 'heading', 'list', 'list', 'blockquote', 'table', 'code', 'code', 'paragraph', 'math', 'math', 'paragraph', 'hr', 'paragraph']);
});

test('nothing that was shown is taken back, moved or made into something else', () => {
  const stream = new MarkdownStream();
  const known = page.replace('Setext\n------\n', ''); // a paragraph until it is underlined: nobody can know
  const whole = text(new MarkdownStream().update(known, true));
  const types = new Map<number, string>();
  for (let i = 0; i <= known.length; i++) {
    const blocks = stream.update(known.slice(0, i), false);
    const now = text(blocks);
    expect(whole.startsWith(now), `after ${JSON.stringify(known.slice(Math.max(0, i - 30), i))}: ${now.slice(-40)}`).toBe(true);
    for (const block of blocks) {
      if (text([block]) === '') continue;
      expect(types.get(block.key) ?? block.token.type, known.slice(Math.max(0, i - 30), i)).toBe(block.token.type);
      types.set(block.key, block.token.type);
    }
  }
});

test('a block that is settled is the same object ever after', () => {
  const stream = new MarkdownStream();
  const settled: MarkdownBlock[] = [];
  for (let i = 0; i <= page.length; i += 3) {
    const blocks = stream.update(page.slice(0, i), false);
    for (const [at, block] of settled.entries()) expect(blocks[at]).toBe(block);
    settled.push(...blocks.filter(block => !block.open).slice(settled.length));
  }
  expect(settled.length).toBeGreaterThan(12);
});

test('a fence is closed by its own marks alone, and grows without a parser', () => {
  const stream = new MarkdownStream();
  const code = `${'x = `1`\n'.repeat(2000)}`;
  const source = `Look:\n\n\`\`\`\`py\n${code}\`\`\`\n\`\`\`\`\nDone.`;
  const started = process.cpuUsage(); // whatever else runs on the machine
  for (let i = 0; i <= source.length; i += 4) {
    const last = stream.update(source.slice(0, i), false).at(-1);
    if (i > 40 && i < source.length - 20) expect(last?.open && last.token.type === 'code').toBe(true);
  }
  const blocks = stream.update(source, true);
  expect(blocks.map(block => block.token.type)).toEqual(['paragraph', 'code', 'paragraph']);
  expect((blocks[1]!.token as { text: string }).text).toBe(`${code}\`\`\``);
  expect(process.cpuUsage(started).user / 1000).toBeLessThan(5000);
});

test('an answer of 20,000 tokens is parsed in a small part of a frame each', () => {
  const stream = new MarkdownStream();
  const long = page.repeat(80);
  const costs: number[] = [];
  for (let i = 0; i < long.length; i += 40) {
    const before = performance.now();
    stream.update(long.slice(0, i), false);
    costs.push(performance.now() - before);
  }
  costs.sort((a, b) => a - b);
  expect(costs[Math.floor(costs.length / 2)]!).toBeLessThan(4);
});

test('what is begun anew is shown anew', () => {
  const stream = new MarkdownStream();
  stream.update('One.\n\nTwo.\n\nThree', false);
  expect(stream.update('Other.', false).map(shape)).toEqual([['paragraph', undefined, 'Other.']]);
});

test('half an address is nowhere led to', () => {
  const source = 'See [here][r].\n\n[r]: https://example.com/whole\n\nDone.';
  const stream = new MarkdownStream();
  for (let i = 0; i <= source.length; i++) for (const found of JSON.stringify(stream.update(source.slice(0, i), i === source.length)).matchAll(/"href":"([^"]*)"/g)) expect(found[1]).toBe('https://example.com/whole');
  expect(JSON.stringify(stream.update(source, true))).toContain('"href":"https://example.com/whole"');
});

test('entities are characters, and what is none stays', () => {
  expect(decodeEntities('a &amp; b &lt;i&gt; &#65;&#x42; &nbsp;&copy; &unknown; &#0; AT&T')).toBe('a & b <i> AB \u00a0© &unknown; \ufffd AT&T');
});
