import { useEffect, useState } from 'react';
import { Icon } from './Icon';

/** Copies what its text is by then; its own label never moves. */
export function CopyButton({ text, what }: { text: string; what: string }) {
  const [copied, setCopied] = useState(false);
  useEffect(() => {
    if (!copied) return;
    const timer = setTimeout(() => setCopied(false), 1500);
    return () => clearTimeout(timer);
  }, [copied]);
  return (
    <button type="button" className="ghost small" aria-label={`Copy ${what}`} onClick={() => void copyText(text).then(done => setCopied(done))}>
      <Icon name={copied ? 'check' : 'copy'} size={15} /> <span>{copied ? 'Copied' : 'Copy'}</span>
    </button>
  );
}

export async function copyText(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    // Pages that are not secure have no clipboard, but a selection.
    const field = Object.assign(document.createElement('textarea'), { value: text, className: 'visually-hidden' });
    document.body.append(field);
    field.select();
    const copied = document.execCommand('copy');
    field.remove();
    return copied;
  }
}
