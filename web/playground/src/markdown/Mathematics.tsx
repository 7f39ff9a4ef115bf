import { memo, useEffect, useRef, useState } from 'react';
import type { MathToken } from './math';

type Katex = typeof import('./katex');

let loaded: Katex | undefined;
let loading: Promise<Katex> | undefined;

/** Mathematics as it is set in books; as it was written until KaTeX, which comes with the first of it, is there. */
export const Mathematics = memo(function Mathematics({ text, display }: MathToken) {
  const place = useRef<HTMLSpanElement>(null);
  const [katex, setKatex] = useState(loaded);
  useEffect(() => {
    if (katex) katex.render(text, place.current!, display);
    else void (loading ??= import('./katex')).then(module => { loaded = module; setKatex(() => module); }, () => (loading = undefined));
  }, [katex, text, display]);
  // Its content is KaTeX' alone once it is there.
  return katex ? <span key="set" ref={place} className={display ? 'math display' : 'math'} tabIndex={display ? 0 : undefined} role={display ? 'group' : undefined} aria-label={display ? 'Formula' : undefined} /> : <code key="raw" className={display ? 'math display' : 'math'}>{text}</code>;
});
