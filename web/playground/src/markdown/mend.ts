// What a block that still grows would look like for a moment, and then no more: half a link, an emphasis without its end, a line
// that may yet become a heading. It is held back or closed here, so that nothing on the page jumps.

/** The text of an open block as it may be shown by now. */
export function mend(text: string): string {
  // A last line that is only the beginning of something.
  text = text.replace(/(^|\n)[ \t]*(?:(?:[-+*]|\d+[.)]) +\[[ xX]?\]?|[-=]+|[+*_]{1,3}|#{1,6}|\d{1,9}[.)]?|>+|`{1,2}|`{3,}[^`\n]*|~{1,2}|~{3,}[^\n]*)[ \t]*$/, '$1');
  text = holdTable(text);
  // Marks whose meaning the next letter decides.
  text = text.replace(/(?:[\\~*_`$!<]+|&#?\w{0,12})$/, '');
  const open = openMarks(text);
  return open.cut === undefined ? text.trimEnd() + open.close : text.slice(0, open.cut).trimEnd() + open.close;
}

// A table's head is a paragraph until the whole of its second line is there.
function holdTable(text: string): string {
  const rows = /(?:^|\n)(\|[^\n]*(?:\n\|[^\n]*)*)(\n?)$/.exec(text);
  if (!rows) return text;
  const [, table, end] = rows;
  const lines = table!.split('\n');
  const isWhole = lines.length > 2 || (lines.length === 2 && (end === '\n' || !/^[|:\- \t]*$/.test(lines[1]!)));
  return isWhole ? text : text.slice(0, text.length - table!.length - end!.length);
}

function openMarks(text: string): { close: string; cut?: number } {
  const stack: string[] = [];
  for (let i = 0; i < text.length;) {
    const char = text[i]!;
    if (char === '\\') {
      // \( and \[ begin mathematics, which is shown whole.
      const end = text[i + 1] === '(' ? '\\)' : text[i + 1] === '[' ? '\\]' : undefined;
      if (end === undefined) { i += 2; continue; }
      const at = text.indexOf(end, i + 2);
      if (at < 0) return { close: closing(stack), cut: i };
      i = at + 2;
    } else if (char === '`') {
      const ticks = /^`+/.exec(text.slice(i))![0];
      const at = text.indexOf(ticks, i + ticks.length);
      if (at < 0) return text.length === i + ticks.length ? { close: closing(stack), cut: i } : { close: ticks + closing(stack) };
      i = at + ticks.length;
    } else if (text.startsWith('$$', i)) {
      const at = text.indexOf('$$', i + 2);
      if (at < 0) return { close: closing(stack), cut: i };
      i = at + 2;
    } else if (char === '$' && /^[^\s\d$]/.test(text[i + 1] ?? '')) {
      const [, end] = /^\$(?:\\.|[^\\$\n])*(\$|\n)?/.exec(text.slice(i))!;
      if (end === undefined && text.length - i < 100) return { close: closing(stack), cut: i };
      i = end === '$' ? text.indexOf('$', i + 1) + 1 : i + 1;
    } else if (char === '[' && !text.includes('](', i)) {
      // It may become a link yet: its words alone, without the bracket, would jump as well.
      const at = text.indexOf(']', i);
      if ((at < 0 && text.length - i < 200) || at === text.length - 1) return { close: closing(stack), cut: text[i - 1] === '!' ? i - 1 : i };
      i++;
    } else if (text.startsWith('](', i)) {
      const at = text.indexOf(')', i);
      if (at < 0) {
        const from = text.lastIndexOf('[', i);
        return text.length - i < 2000 ? { close: closing(stack), cut: from > 0 && text[from - 1] === '!' ? from - 1 : from } : { close: closing(stack) };
      }
      i = at + 1;
    } else if (char === '*' || char === '_' || (char === '~' && text[i + 1] === '~')) {
      const run = new RegExp(`^\\${char}+`).exec(text.slice(i))![0];
      const [before = ' ', after = ' '] = [text[i - 1], text[i + run.length]];
      const inWord = char === '_' && /\w/.test(before) && /\w/.test(after);
      const top = stack.at(-1);
      if (top === run && !/\s/.test(before)) stack.pop();
      else if (top !== undefined && run.length > top.length && run.startsWith(top) && !/\s/.test(before)) stack.splice(-2);
      else if (i + run.length === text.length) return { close: closing(stack), cut: i };
      else if (!inWord && !/\s/.test(after) && run.length <= 3) stack.push(run);
      i += run.length;
    } else {
      i++;
    }
  }
  return { close: closing(stack) };
}

function closing(stack: readonly string[]): string {
  return [...stack].reverse().join('');
}
