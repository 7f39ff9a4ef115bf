import { useEffect, useRef, useState } from 'react';
import type { RunStore, Status } from 'penstock/react';
import { usePreferences } from '../preferences';

const words: Partial<Record<Status, string>> = {
  streaming: 'The answer begins.', reconnecting: 'The connection is lost. The answer goes on at the server.', done: 'The answer is complete.', stopped: 'The answer was stopped.', error: 'The answer failed.',
};

/** Says what a sighted person sees, not every token: begin and end, and, if wanted, each sentence once it is whole. */
export function Announcer({ run }: { run: RunStore | undefined }) {
  const { speakSentences } = usePreferences();
  const [said, say] = useState('');
  const [sentence, speak] = useState('');
  const spoken = useRef(0);
  useEffect(() => {
    if (!run) return;
    let status = run.getSnapshot().status;
    spoken.current = run.getSnapshot().text.length;
    if (run.isRunning) say('The question was sent.');
    return run.subscribe(() => {
      const now = run.getSnapshot();
      if (now.status !== status) say(words[now.status] ?? '');
      status = now.status;
      if (!speakSentences) return;
      const fresh = now.text.slice(spoken.current);
      const end = run.isRunning ? Math.max(...['. ', '! ', '? ', '.\n', '\n\n'].map(mark => fresh.lastIndexOf(mark))) + 1 : fresh.length;
      if (end <= 0) return;
      spoken.current += end;
      speak(fresh.slice(0, end).replace(/[*_`#>|]/g, '').trim());
    });
  }, [run, speakSentences]);
  return (
    <>
      <div role="status" className="visually-hidden">{said}</div>
      <div aria-live="polite" className="visually-hidden">{sentence}</div>
    </>
  );
}
