import { useId, type ReactNode } from 'react';
import { Icon } from '../app/Icon';
import type { Settings } from '../conversations/model';

/** What goes with every question of this chat. */
export function Parameters({ settings, onChange, onClose }: { settings: Settings; onChange: (settings: Settings) => void; onClose: () => void }) {
  const set = (change: Partial<Settings>) => onChange({ ...settings, ...change });
  return (
    <section className="parameters" aria-label="System prompt and parameters">
      <header><h2>This chat</h2><button type="button" className="ghost round" aria-label="Close" onClick={onClose}><Icon name="close" /></button></header>
      <Field label="System prompt">{id => <textarea id={id} rows={4} value={settings.system} placeholder="How the model shall answer" onChange={event => set({ system: event.target.value })} />}</Field>
      <div className="parameters-numbers">
        <Number label="Temperature" value={settings.temperature} min={0} max={2} step={0.1} onChange={temperature => set({ temperature })} />
        <Number label="Top P" value={settings.topP} min={0} max={1} step={0.05} onChange={topP => set({ topP })} />
        <Number label="Most tokens" value={settings.maxTokens} min={1} step={1} onChange={maxTokens => set({ maxTokens })} />
      </div>
      <Field label="Tools" note="JSON, as Chat Completions has them. Their results you say yourself.">{id => <textarea id={id} rows={4} className="mono" spellCheck={false} value={settings.tools} placeholder={'[{"type": "function", "function": {"name": "get_weather", "parameters": {…}}}]'} onChange={event => set({ tools: event.target.value })} />}</Field>
      <Field label="Other fields" note="JSON, put into the request as it is.">{id => <textarea id={id} rows={2} className="mono" spellCheck={false} value={settings.extra} placeholder={'{"reasoning_effort": "low"}'} onChange={event => set({ extra: event.target.value })} />}</Field>
    </section>
  );
}

function Field({ label, note, children }: { label: string; note?: string; children: (id: string) => ReactNode }) {
  const id = useId();
  return <div className="field"><label htmlFor={id}>{label}</label>{children(id)}{note && <p className="note">{note}</p>}</div>;
}

function Number({ label, value, onChange, ...range }: { label: string; value: number | null; min: number; max?: number; step: number; onChange: (value: number | null) => void }) {
  return <Field label={label}>{id => <input id={id} type="number" inputMode="decimal" placeholder="auto" value={value ?? ''} {...range} onChange={event => onChange(event.target.value === '' || !event.target.validity.valid ? null : event.target.valueAsNumber)} />}</Field>;
}
