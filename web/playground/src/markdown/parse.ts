import { Lexer, Marked, type Token } from 'marked';
import { mathExtensions, type MathToken } from './math';
import { mend } from './mend';

/** A block of the page: a paragraph, a list, a fence. It is the same object for as long as nothing in it changes. */
export interface MarkdownBlock {
  readonly key: number;
  readonly token: Token | MathToken;
  /** It may grow yet. */
  readonly open: boolean;
}

const options = new Marked({ gfm: true, extensions: mathExtensions }).defaults;

/** Markdown that grows: only its last block is parsed again. What stands before it is settled. */
export class MarkdownStream {
  #text = '';
  #done = false;
  #settled: MarkdownBlock[] = [];
  #end = 0;
  #blocks: readonly MarkdownBlock[] = [];
  #links: Lexer['tokens']['links'] = {};
  /** How much of the text was looked through for the end of the fence that is open. */
  #searched = 0;

  update(text: string, done: boolean): readonly MarkdownBlock[] {
    if (text.includes('\r')) text = text.replace(/\r\n?/g, '\n');
    if (text === this.#text && done === this.#done) return this.#blocks;
    // What a reference leads to may stand behind it: in the end that is looked up for all.
    if (!text.startsWith(this.#text) || (done && Object.keys(this.#links).length > 0)) {
      this.#settled = [];
      this.#end = this.#searched = 0;
      this.#links = {};
    }
    this.#text = text;
    this.#done = done;
    const open = this.#fence() ?? this.#parse();
    return (this.#blocks = [...this.#settled, ...open]);
  }

  // A fence may be long, and needs no parser: what it says is what it is.
  #fence(): MarkdownBlock[] | undefined {
    const start = /^\n*( {0,3})(`{3,}|~{3,})([^\n]*)\n/.exec(this.#text.slice(this.#end, this.#end + 1000));
    if (!start || (start[2]![0] === '`' && start[3]!.includes('`'))) return undefined;
    const [head, indent, marks, info] = start as unknown as [string, string, string, string];
    const from = this.#end + head.length;
    const end = new RegExp(`^ {0,3}\\${marks[0]}{${marks.length},}[ \\t]*(?:\\n|$)`, 'gm');
    // The line that was half there is looked at again.
    end.lastIndex = Math.max(from, this.#text.lastIndexOf('\n', this.#searched - 1) + 1);
    const closed = end.exec(this.#text);
    this.#searched = this.#text.length;
    // At the end of what there is, more marks or other text may follow on that line.
    const isClosed = closed !== null && (closed[0].endsWith('\n') || this.#done);
    let text = this.#text.slice(from, closed ? closed.index : undefined).replace(/\n$/, '');
    if (!closed && !this.#done) text = text.replace(/(?:^|\n) {0,3}[`~]{1,}[ \t]*$/, '');
    if (indent) text = text.replace(new RegExp(`^ {1,${indent.length}}`, 'gm'), '');
    const token: Token = { type: 'code', raw: '', lang: info.trim(), text };
    const block = { key: this.#settled.length, token, open: !isClosed && !this.#done };
    if (!isClosed) return [block];
    this.#settled.push(block);
    this.#end = closed.index + closed[0].length;
    this.#searched = 0;
    return this.#fence() ?? this.#parse();
  }

  #parse(): MarkdownBlock[] {
    const rest = this.#text.slice(this.#end);
    let tokens = this.#lex(rest);
    let last = tokens.length - 1;
    while (last >= 0 && tokens[last]!.type === 'space') last--;
    // Half an address at the end must not be what a reference before it leads to.
    if (!this.#done && tokens[last]?.type === 'def') tokens = [...this.#lex(tokens.slice(0, last).map(token => token.raw).join('')), ...tokens.slice(last)];
    for (const [i, token] of tokens.entries()) {
      if (i >= last && !this.#done) break;
      if (!rest.startsWith(token.raw, this.#offset(rest))) break; // the parser has changed the text: nothing is settled
      this.#settle(token);
      // A fence that begins here is read without the parser.
      if (!this.#done && tokens[i + 1]?.type === 'code' && i + 1 === last) return this.#fence() ?? this.#open(this.#text.slice(this.#end));
    }
    return this.#done || last < 0 ? [] : this.#open(this.#text.slice(this.#end));
  }

  #offset(rest: string): number {
    return this.#end - (this.#text.length - rest.length);
  }

  #settle(token: Token): void {
    this.#end += token.raw.length;
    if (token.type === 'def') this.#links[token.tag as string] ??= { href: token.href as string, title: token.title as string };
    if (token.type !== 'space' && token.type !== 'def') this.#settled.push({ key: this.#settled.length, token, open: false });
  }

  #open(rest: string): MarkdownBlock[] {
    const first = this.#settled.length;
    return this.#lex(mend(rest)).filter(token => token.type !== 'space' && token.type !== 'def').map((token, i) => ({ key: first + i, token, open: true }));
  }

  #lex(text: string): Token[] {
    const lexer = new Lexer(options);
    lexer.tokens.links = { ...this.#links };
    return lexer.lex(text);
  }
}
