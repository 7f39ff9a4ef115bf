import type { TokenizerExtension } from 'marked';

export interface MathToken {
  type: 'math';
  raw: string;
  text: string;
  display: boolean;
}

const math = (raw: string, text: string, display: boolean): MathToken => ({ type: 'math', raw, text: text.trim(), display });

/** `$$…$$` and `\[…\]` that stand alone. */
const block: TokenizerExtension = {
  name: 'math',
  level: 'block',
  start: src => /(?:^|\n) {0,3}(?:\$\$|\\\[)/.exec(src)?.index,
  tokenizer(src) {
    const match = /^\n? {0,3}(?:\$\$([^$]+?)\$\$|\\\[([\s\S]+?)\\\])[ \t]*(?:\n|$)/.exec(src);
    return match ? math(match[0], match[1] ?? match[2]!, true) : undefined;
  },
};

/** `\(…\)`, `$$…$$` in a line, and `$…$` unless it reads as money: a space within, or a digit behind. */
const inline: TokenizerExtension = {
  name: 'math',
  level: 'inline',
  start: src => /\$|\\[([]/.exec(src)?.index,
  tokenizer(src) {
    const match = /^(?:\$\$([^$]+?)\$\$|\\\[([\s\S]+?)\\\])/.exec(src);
    if (match) return math(match[0], match[1] ?? match[2]!, true);
    const small = /^(?:\\\(([\s\S]+?)\\\)|\$(?!\s)((?:\\.|[^\\$\n])+?)(?<!\s)\$(?!\d))/.exec(src);
    return small ? math(small[0], small[1] ?? small[2]!, false) : undefined;
  },
};

export const mathExtensions = [block, inline];
