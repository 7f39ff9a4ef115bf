import { useState } from 'react';
import { Icon } from '../app/Icon';
import { Growing } from '../markdown/Growing';

/** What a model thinks before it speaks: folded, and no more than a sign of life until one opens it. */
export function Reasoning({ text, done }: { text: string; done: boolean }) {
  const [open, setOpen] = useState(false);
  return (
    <details className={done ? 'reasoning' : 'reasoning thinking'} open={open} onToggle={event => setOpen(event.currentTarget.open)}>
      <summary><Icon name="thought" size={16} /> {done ? 'Thoughts' : 'Thinking…'} <Icon name="down" size={14} /></summary>
      {open && <div className="reasoning-text"><Growing text={text} /></div>}
    </details>
  );
}
