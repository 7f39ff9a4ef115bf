import { useEffect, useRef, useState } from 'react';
import type { Snapshot } from 'penstock';
import { client } from '../../api';
import { Icon } from '../../app/Icon';
import { router } from '../../app/router';
import { conversations } from '../../conversations/store';
import '../instruments.css';
import { seconds } from '../timing';
import './live.css';
import { OperationsView, readOperations, type Operations } from './Operations';

const every = 2000;

interface Row {
  readonly generation: Snapshot;
  /** Events a second, since it was looked at before. */
  readonly rate: number | undefined;
  readonly history: readonly number[];
}

/** What runs on the server now, of this key's owner: look on, or stop it. */
export default function Live() {
  const { rows, operations, error, look } = useRunning();
  const [stopping, setStopping] = useState<ReadonlySet<string>>(new Set());
  const stop = (id: string) => {
    setStopping(new Set([...stopping, id]));
    client.stop(id).catch(() => {}).finally(() => { void look(); });
  };
  const attach = (id: string) => {
    const known = (conversations.list ?? []).find(({ id: chat }) => Object.values(conversations.get(chat)?.turns ?? {}).some(turn => turn.role === 'assistant' && turn.generation === id));
    router.go(known ? `#/c/${known.id}` : `#/g/${id}`);
  };

  if (error) return <p className="error" role="alert"><strong>The server does not say what runs.</strong> {error} It is asked again.</p>;
  if (!rows) return <p className="note"><span className="flow" /> &nbsp;Looking.</p>;
  return (
    <div className="live">
      {operations && <OperationsView operations={operations} />}
      {rows.length === 0
        ? <div className="live-empty"><p>Nothing runs now.</p><p className="note">Ask something, here or through any SDK: it appears within {every / 1000} seconds.</p></div>
        : <p className="note" role="status">{rows.length === 1 ? 'One answer is being written.' : `${rows.length} answers are being written.`}</p>}
      <ul>
        {rows.map(({ generation, rate, history }) => (
          <li key={generation.id} data-generation={generation.id}>
            <div className="live-what">
              <strong>{generation.model}</strong>{generation.owner && <span className="note"> of {generation.owner}</span>}
              <p>{generation.text.slice(-160) || (generation.status === 'queued' ? 'waits in the queue' : 'has not said anything yet')}</p>
            </div>
            <Spark values={history} />
            <dl>
              <div><dt>Age</dt><dd>{seconds(Math.max(0, Date.now() - Date.parse(generation.createdAt)))}</dd></div>
              <div><dt>Events</dt><dd>{(generation.offset + 1).toLocaleString('en')}</dd></div>
              <div><dt>A second</dt><dd>{rate === undefined ? '–' : rate.toFixed(rate < 10 ? 1 : 0)}</dd></div>
              <div><dt>Watchers</dt><dd>{watchersOf(generation)}</dd></div>
            </dl>
            <div className="row">
              <button type="button" className="small" onClick={() => attach(generation.id)}>Attach</button>
              <button type="button" className="small" disabled={stopping.has(generation.id)} onClick={() => stop(generation.id)}><Icon name="stop" size={14} /> Stop</button>
            </div>
          </li>
        ))}
      </ul>
    </div>
  );
}

function watchersOf({ watchers }: Snapshot): string {
  if (!watchers) return '–';
  const most = Math.max(0, ...watchers.map(w => w.lag));
  return most > 20 ? `${watchers.length}, ${most.toLocaleString('en')} behind` : String(watchers.length);
}

function Spark({ values }: { values: readonly number[] }) {
  const most = Math.max(1, ...values);
  return <svg className="spark" viewBox="0 0 60 24" aria-hidden="true">{values.map((value, i) => <rect key={i} x={i * 3} width="2" rx="1" y={23 - (value / most) * 22} height={1 + (value / most) * 22} />)}</svg>;
}

// While somebody looks.
function useRunning(): { rows: readonly Row[] | undefined; operations: Operations | null; error: string | undefined; look: () => Promise<void> } {
  const [rows, setRows] = useState<readonly Row[]>();
  const [operations, setOperations] = useState<Operations | null>(null);
  const [error, setError] = useState<string>();
  const before = useRef(new Map<string, { offset: number; at: number; history: number[] }>());
  const look = async () => {
    if (document.visibilityState !== 'visible') return;
    try {
      const [running, queued, now] = await Promise.all([client.list({ status: 'running', limit: 100, watchers: true }), client.list({ status: 'queued', limit: 100, watchers: true }), readOperations()]);
      setOperations(now);
      const at = Date.now();
      const next: typeof before.current = new Map();
      setRows([...running, ...queued].map(generation => {
        const last = before.current.get(generation.id);
        const rate = last && at > last.at ? (generation.offset - last.offset) / ((at - last.at) / 1000) : undefined;
        const history = rate === undefined ? last?.history ?? [] : [...last!.history, rate].slice(-20);
        next.set(generation.id, { offset: generation.offset, at, history });
        return { generation, rate, history };
      }));
      before.current = next;
      setError(undefined);
    } catch (cause) {
      setError((cause as Error).message);
    }
  };
  const looking = useRef(look);
  looking.current = look;
  useEffect(() => {
    const now = () => void looking.current();
    now();
    const timer = setInterval(now, every);
    document.addEventListener('visibilitychange', now);
    return () => { clearInterval(timer); document.removeEventListener('visibilitychange', now); };
  }, []);
  return { rows, operations, error, look };
}
