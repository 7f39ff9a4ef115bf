import { memo, useLayoutEffect, useRef } from 'react';

/**
 * Text that grows. React would replace a text node's whole data, which takes a selection in it away; here the node keeps what
 * it has and changes only where it differs.
 */
export const Growing = memo(function Growing({ text }: { text: string }) {
  const place = useRef<HTMLSpanElement>(null);
  useLayoutEffect(() => {
    const span = place.current!;
    const node = span.firstChild as Text | null;
    if (!node) return void span.append(text);
    const old = node.data;
    if (text.startsWith(old)) return node.appendData(text.slice(old.length));
    let same = 0;
    while (same < old.length && old[same] === text[same]) same++;
    node.replaceData(same, old.length - same, text.slice(same));
  }, [text]);
  return <span ref={place} />;
});
