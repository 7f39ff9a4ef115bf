import { useEffect, useState } from 'react';
import type { Snapshot } from 'penstock';
import { client } from '../../api';
import { guest } from '../../guest';
import { recordings } from '../recordings';

const every = 1000;

export interface ServerView {
  readonly status: Snapshot['status'];
  /** The last event in the log. */
  readonly offset: number;
  /** Who reads it at the node where it runs, and how many events each lacks; undefined where the node asked does not know. */
  readonly watchers: readonly { readonly offset: number; readonly lag: number }[] | undefined;
}

/** How the server sees a run, while it runs and somebody looks. It is the owner's to see. */
export function useServer(generation: string, running: boolean): ServerView | undefined {
  const [view, setView] = useState<ServerView>();
  useEffect(() => {
    setView(undefined);
    if (!running || guest) return;
    const leaving = new AbortController();
    const look = () => {
      if (document.visibilityState !== 'visible') return;
      client.get(generation, { signal: leaving.signal }).then(({ status, offset, watchers }) => {
        recordings.compare(generation, status, offset);
        setView({ status, offset, watchers: watchers as ServerView['watchers'] });
      }, () => {});
    };
    look();
    const timer = setInterval(look, every);
    return () => { clearInterval(timer); leaving.abort(); };
  }, [generation, running]);
  return view;
}
