import { useEffect, useState } from 'react';
import type { Snapshot } from 'penstock';
import { client } from '../../api';
import { guest } from '../../guest';
import { recordings } from '../recordings';

const every = 1000;

/** How the server sees a run, while it runs and somebody looks. It is the owner's to see. */
export function useServer(generation: string, running: boolean): Snapshot | undefined {
  const [view, setView] = useState<Snapshot>();
  useEffect(() => {
    setView(undefined);
    if (!running || guest) return;
    const leaving = new AbortController();
    const look = () => {
      if (document.visibilityState !== 'visible') return;
      client.get(generation, { watchers: true, signal: leaving.signal }).then(snapshot => {
        recordings.compare(snapshot);
        setView(snapshot);
      }, () => {});
    };
    look();
    const timer = setInterval(look, every);
    return () => { clearInterval(timer); leaving.abort(); };
  }, [generation, running]);
  return view;
}
