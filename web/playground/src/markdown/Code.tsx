import { memo, useEffect, useRef, useState, type ReactNode } from 'react';
import { CopyButton } from '../app/CopyButton';
import { Growing } from './Growing';
import type { Piece } from './highlight';

let highlighting: Promise<typeof import('./highlight')> | undefined;

/** A fence. It is plain while it grows, and coloured once when it is closed. */
export const Code = memo(function Code({ text, language, open }: { text: string; language: string; open: boolean }) {
  const name = /^[\w+#.-]*/.exec(language)![0];
  const place = useRef<HTMLPreElement>(null);
  const [pieces, setPieces] = useState<{ text: string; pieces: readonly Piece[] }>();
  useEffect(() => {
    if (open || name === '' || text === '') return;
    let left = false;
    void (highlighting ??= import('./highlight')).then(async ({ highlight }) => {
      const found = highlight(text, name);
      if (!found) return;
      await selectionHasLeft(place.current);
      if (!left) setPieces({ text, pieces: found });
    }, () => (highlighting = undefined));
    return () => { left = true; };
  }, [text, name, open]);
  return (
    <div className="code">
      <div className="code-head">
        <span>{name || 'text'}</span>
        <CopyButton text={text} what="code" />
      </div>
      <pre ref={place} tabIndex={0} aria-label={`${name || 'Plain'} code`} role="region"><code>{pieces?.text === text ? show(pieces.pieces) : <Growing text={text} />}</code></pre>
    </div>
  );
});

function show(pieces: readonly Piece[]): ReactNode {
  return pieces.map((piece, i) => (typeof piece === 'string' ? piece : <span key={i} className={`hl-${piece.scope.replaceAll('.', ' hl-')}`}>{show(piece.children)}</span>));
}

// To colour it is to replace its text, and a selection in it would be lost.
async function selectionHasLeft(place: HTMLElement | null): Promise<void> {
  const holds = () => {
    const selection = document.getSelection();
    return place !== null && selection !== null && !selection.isCollapsed && selection.containsNode(place, true);
  };
  while (holds()) await new Promise(resolve => document.addEventListener('selectionchange', resolve, { once: true }));
}
