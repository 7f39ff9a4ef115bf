import { useEffect, useState } from 'react';
import { get } from '../../api';
import { guest } from '../../guest';
import { recordings } from '../recordings';

export interface DevelopmentNode {
  /** The process that answers. */
  readonly process: number;
  /** The one that was killed, until another answers. */
  readonly killed: number | undefined;
  readonly kill: () => void;
}

/** The server's process, where it may be killed: in development, on this machine. */
export function useNode(): DevelopmentNode | undefined {
  const [process, setProcess] = useState<number>();
  const [killed, setKilled] = useState<number>();
  useEffect(() => { if (!guest) void look().then(setProcess); }, []);
  useEffect(() => {
    if (killed === undefined) return;
    const timer = setInterval(() => void look().then(now => {
      if (now === undefined || now === killed) return;
      setProcess(now);
      setKilled(undefined);
    }), 300);
    return () => clearInterval(timer);
  }, [killed]);
  if (process === undefined) return undefined;
  const kill = () => {
    recordings.markAll('kill');
    const dead = () => setKilled(process);
    get(address, { method: 'DELETE' }).then(dead, dead); // it may be dead before it has answered
  };
  return { process, killed, kill };
}

const address = '/development/node';

async function look(): Promise<number | undefined> {
  try {
    const reply = await get(address);
    return reply.ok ? ((await reply.json()) as { process: number }).process : undefined;
  } catch {
    return undefined;
  }
}
