import { useEffect, useId, useMemo, useRef, useState, type KeyboardEvent } from 'react';
import { Icon } from '../app/Icon';
import { useShortcut } from '../app/shortcuts';
import { models, useModels } from '../models';

/** Chooses from what the server lists; whatever else is typed is taken as a name, too. */
export function ModelPicker({ model, onPick }: { model: string; onPick: (model: string) => void }) {
  const { list, error } = useModels();
  const [open, setOpen] = useState(false);
  const [search, setSearch] = useState('');
  const [at, setAt] = useState(0);
  const button = useRef<HTMLButtonElement>(null);
  const box = useRef<HTMLDivElement>(null);
  const id = useId();
  const label = model || (error ? 'No models' : 'Model');
  const shown = useMemo(() => {
    const words = search.toLowerCase().split(/\s+/);
    const found = (list ?? []).map(m => m.id).filter(name => words.every(word => name.toLowerCase().includes(word)));
    const typed = search.trim();
    return typed && !found.includes(typed) ? [...found, typed] : found;
  }, [list, search]);
  const close = () => { setOpen(false); setSearch(''); button.current?.focus(); };
  const pick = (name: string | undefined) => { if (name) onPick(name); close(); };
  useShortcut('Alt+M', () => setOpen(true));
  useEffect(() => { setAt(Math.max(0, search ? 0 : shown.indexOf(model))); }, [search, open, shown, model]);
  useEffect(() => { box.current?.querySelector('[aria-selected=true]')?.scrollIntoView({ block: 'nearest' }); }, [at, open]);
  useEffect(() => {
    if (!open) return;
    const outside = (event: PointerEvent) => { if (!box.current?.contains(event.target as Node) && !button.current?.contains(event.target as Node)) setOpen(false); };
    addEventListener('pointerdown', outside);
    return () => removeEventListener('pointerdown', outside);
  }, [open]);
  const key = (event: KeyboardEvent) => {
    const step = { ArrowDown: 1, ArrowUp: -1, PageDown: 8, PageUp: -8 }[event.key];
    if (step !== undefined) setAt(Math.min(shown.length - 1, Math.max(0, at + step)));
    else if (event.key === 'Enter') pick(shown[at]);
    else if (event.key === 'Escape') close();
    else return;
    event.preventDefault();
    event.stopPropagation();
  };

  return (
    <div className="model-picker">
      <button ref={button} type="button" className="ghost model-button" aria-haspopup="listbox" aria-expanded={open} aria-label={model ? `Model: ${label}` : label} title="Choose a model (Alt+M)" onClick={() => { setOpen(!open); if (error) void models.load(); }}>
        <span>{label}</span> <Icon name="down" size={14} />
      </button>
      {open && (
        <div ref={box} className="popover models" onKeyDown={key}>
          <input autoFocus role="combobox" aria-expanded="true" aria-controls={`${id}-list`} aria-activedescendant={shown.length > 0 ? `${id}-${at}` : undefined} aria-label="Find a model, or type its name" placeholder="Find a model, or type its name" value={search} onChange={event => setSearch(event.target.value)} spellCheck={false} autoCapitalize="off" />
          <ul id={`${id}-list`} role="listbox" aria-label="Models">
            {shown.map((name, i) => (
              <li key={name} id={`${id}-${i}`} role="option" aria-selected={i === at} className={name === model ? 'current' : undefined} onPointerMove={() => setAt(i)} onClick={() => pick(name)}>
                <span>{list?.some(m => m.id === name) ? name : <>Use <b>{name}</b></>}</span>
                {name === model && <Icon name="check" size={15} />}
              </li>
            ))}
          </ul>
          {error && <p className="note">{error.message}</p>}
        </div>
      )}
    </div>
  );
}
