import { Fragment, memo, useState, type ReactNode } from 'react';
import type { Token, Tokens } from 'marked';
import { Code } from './Code';
import { decodeEntities } from './entities';
import { Growing } from './Growing';
import { Mathematics } from './Mathematics';
import type { MathToken } from './math';
import { MarkdownStream, type MarkdownBlock } from './parse';

/**
 * What a model wrote, as elements: no string of its becomes markup, so HTML is shown as it was written, and no picture is fetched.
 */
export const Markdown = memo(function Markdown({ text, done }: { text: string; done: boolean }) {
  const [stream] = useState(() => new MarkdownStream());
  return <div className="markdown">{stream.update(text, done).map(block => <Block key={block.key} block={block} />)}</div>;
});

const Block = memo(function Block({ block: { token, open } }: { block: MarkdownBlock }) {
  return <>{render(token as Token, open)}</>;
});

function all(tokens: readonly Token[] | undefined, open: boolean): ReactNode {
  return tokens?.map((token, i) => <Fragment key={i}>{render(token, open && i === tokens.length - 1)}</Fragment>);
}

function render(token: Token, open: boolean): ReactNode {
  switch (token.type) {
    case 'paragraph':
      return <p>{all(token.tokens, open)}</p>;
    case 'heading': {
      // Below the page's own headings.
      const Heading = `h${Math.min(6, (token as Tokens.Heading).depth + 1)}` as 'h2';
      return <Heading className={`heading-${(token as Tokens.Heading).depth}`}>{all(token.tokens, open)}</Heading>;
    }
    case 'code':
      return <Code text={token.text as string} language={(token.lang as string | undefined) ?? ''} open={open} />;
    case 'blockquote':
      return <blockquote>{all(token.tokens, open)}</blockquote>;
    case 'list':
      return <List list={token as Tokens.List} open={open} />;
    case 'table':
      return <Table table={token as Tokens.Table} open={open} />;
    case 'hr':
      return <hr />;
    case 'br':
      return <br />;
    case 'strong':
      return <strong>{all(token.tokens, open)}</strong>;
    case 'em':
      return <em>{all(token.tokens, open)}</em>;
    case 'del':
      return <del>{all(token.tokens, open)}</del>;
    case 'codespan':
      return <code><Growing text={token.text as string} /></code>;
    case 'link':
      return <Link href={token.href as string}>{all(token.tokens, open)}</Link>;
    case 'image':
      return <Picture {...(token as Tokens.Image)} />;
    case 'math':
      return <Mathematics {...(token as unknown as MathToken)} />;
    case 'html':
      return /^<br\s*\/?>$/i.test(token.raw.trim()) ? <br /> : <Growing text={token.raw} />;
    case 'checkbox':
      return <input type="checkbox" checked={(token as Tokens.Checkbox).checked} disabled aria-label={(token as Tokens.Checkbox).checked ? 'Done' : 'Open'} />;
    case 'space':
    case 'def':
      return null;
    default:
      return 'tokens' in token && token.tokens ? all(token.tokens, open) : <Growing text={decodeEntities((token as Tokens.Text).text ?? token.raw)} />;
  }
}

function List({ list, open }: { list: Tokens.List; open: boolean }) {
  const items = list.items.map((item, i) => <li key={i} className={item.task ? 'task' : undefined}>{all(item.tokens, open && i === list.items.length - 1)}</li>);
  return list.ordered ? <ol start={list.start === '' ? 1 : list.start}>{items}</ol> : <ul>{items}</ul>;
}

function Table({ table, open }: { table: Tokens.Table; open: boolean }) {
  const align = (i: number) => (table.align[i] ? `align-${table.align[i]}` : undefined);
  return (
    <div className="table" tabIndex={0} role="region" aria-label="Table">
      <table>
        <thead><tr>{table.header.map((cell, i) => <th key={i} className={align(i)}>{all(cell.tokens, open)}</th>)}</tr></thead>
        <tbody>{table.rows.map((row, r) => <tr key={r}>{row.map((cell, i) => <td key={i} className={align(i)}>{all(cell.tokens, open)}</td>)}</tr>)}</tbody>
      </table>
    </div>
  );
}

function Link({ href, children }: { href: string; children: ReactNode }) {
  const safe = safeAddress(href);
  return safe === undefined ? <>{children}</> : <a href={safe} target="_blank" rel="noopener noreferrer nofollow" title={safe}>{children}</a>;
}

// To fetch it would tell its host who reads, and when.
function Picture({ href, text }: Tokens.Image) {
  const name = text || 'Picture';
  return <span className="picture-link">🖼 <Link href={href}>{name}</Link></span>;
}

function safeAddress(href: string): string | undefined {
  try {
    const url = new URL(decodeEntities(href));
    return ['http:', 'https:', 'mailto:'].includes(url.protocol) ? url.href : undefined;
  } catch {
    return undefined; // it would lead into this server
  }
}
