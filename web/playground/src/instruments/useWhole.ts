import { useEffect, useState } from 'react';
import { client } from '../api';
import type { Answer } from '../conversations/model';
import { catchingUp, hasEnded, lastOf, recordings, useRecording, type Recording } from './recordings';

/** What the page got of an answer; of one that ended while nobody here read it, the rest is read now. */
export function useWhole(answer: Answer, generation: string): { recording: Recording | undefined; trouble: string | undefined } {
  const recording = useRecording(generation);
  const [trouble, setTrouble] = useState<string>();
  const isOver = answer.state !== 'running';
  const lacks = isOver && !(recording && hasEnded(recording));
  useEffect(() => {
    if (!lacks || recordings.isRead(generation)) return;
    setTrouble(undefined);
    const reading = new AbortController();
    const known = recordings.get(generation);
    catchingUp.add(generation);
    void (async () => {
      try {
        for await (const _ of client.attach(generation, { after: known ? lastOf(known) : -1, signal: reading.signal }));
      } catch (error) {
        if (!reading.signal.aborted) setTrouble((error as Error).message);
      } finally {
        catchingUp.delete(generation);
      }
    })();
    return () => reading.abort();
  }, [generation, lacks]);
  return { recording, trouble };
}
