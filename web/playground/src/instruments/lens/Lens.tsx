import { memo, useEffect, useMemo, useRef, useState } from 'react';
import { useObserved } from '../../observable';
import type { PanelProps } from '../../panels';
import '../instruments.css';
import { LensStore, protocols, type Protocol } from './lens';
import './lens.css';

const rows = 30;
const all = Object.keys(protocols) as Protocol[];

/** One run, as each protocol's clients see it. */
export default function Lens({ answer, generation }: PanelProps) {
  const store = useStore(generation);
  const [shown, setShown] = useState<readonly Protocol[]>(['native', 'chat-completions', 'responses', 'messages']);
  const version = useObserved(store, () => store.version);
  useEffect(() => { for (const protocol of shown) store.want(protocol); }, [store, shown]);
  const offsets = useMemo(() => store.offsets(shown), [store, shown, version]);
  const [top, setTop] = useState<number>(); // at the end, while it grows
  const most = Math.max(0, offsets.length - rows);
  const from = Math.min(top ?? most, most);
  const box = useRef<HTMLDivElement>(null);
  useEffect(() => { if (top === undefined && box.current) box.current.scrollTop = box.current.scrollHeight; });
  const toggle = (protocol: Protocol) => setShown(shown.includes(protocol) ? shown.filter(p => p !== protocol) : all.filter(p => p === protocol || shown.includes(p)));

  return (
    <div className="instrument-body lens">
      <p className="instrument-lead">One log, and each protocol a view of it. A row is one event; its frames are as they go over the wire.</p>
      <div className="chips" role="group" aria-label="Protocols">
        {all.map(protocol => <button key={protocol} type="button" className="small" aria-pressed={shown.includes(protocol)} onClick={() => toggle(protocol)}>{protocols[protocol]}</button>)}
      </div>
      {offsets.length > rows && (
        <div className="scrubber">
          <input type="range" aria-label="First event shown" min={0} max={most} value={from} onChange={event => setTop(Number(event.target.value) >= most ? undefined : Number(event.target.value))} aria-valuetext={`event ${offsets[from]}`} />
          <output>{offsets[from]}–{offsets[Math.min(offsets.length, from + rows) - 1]}</output>
        </div>
      )}
      {store.trouble && <p className="note">{store.trouble}</p>}
      <div className="lens-frames" ref={box} tabIndex={0} role="region" aria-label="Frames" aria-busy={answer.state === 'running'}>
        <table style={{ minWidth: 44 + 190 * shown.length }}>
          <thead><tr><th scope="col" className="offset">#</th>{shown.map(p => <th key={p} scope="col">{protocols[p]}</th>)}</tr></thead>
          <tbody>{offsets.slice(from, from + rows).map(offset => (
            <tr key={offset}>
              <th scope="row" className="offset">{offset}</th>
              {shown.map(p => <td key={p}>{store.at(p, offset)?.map((raw, i) => <Raw key={i} raw={raw} />)}</td>)}
            </tr>
          ))}</tbody>
        </table>
      </div>
    </div>
  );
}

const Raw = memo(function Raw({ raw }: { raw: string }) {
  const [whole, setWhole] = useState(false);
  const shown = whole || raw.length < 480 ? raw : `${raw.slice(0, 320)}…`;
  return (
    <>
      <pre className="raw">{shown.split('\n').map((line, i) => {
        const colon = line.indexOf(':');
        return <span key={i} className={colon === 0 ? 'comment' : `is-${line.slice(0, colon)}`}>{line}{'\n'}</span>;
      })}</pre>
      {shown !== raw && <button type="button" className="ghost small" onClick={() => setWhole(true)}>{(raw.length - 320).toLocaleString('en')} more characters</button>}
    </>
  );
});

function useStore(generation: string): LensStore {
  const [store, setStore] = useState(() => new LensStore(generation));
  const current = useRef(generation);
  useEffect(() => {
    if (current.current !== generation) {
      current.current = generation;
      setStore(new LensStore(generation));
    }
  }, [generation]);
  useEffect(() => () => store.leave(), [store]);
  return store;
}
