import { useState } from 'react';
import { get } from '../api';
import { CopyButton } from '../app/CopyButton';
import { Icon } from '../app/Icon';
import type { Conversation, Answer } from '../conversations/model';
import { linkFor } from '../guest';
import '../instruments/instruments.css';
import type { PanelProps } from '../panels';
import './shared.css';

const spans = { 'An hour': 3600, 'A day': 86_400, 'A week': 604_800 };
type Span = keyof typeof spans;

interface Link {
  readonly address: string;
  readonly until: Date;
}

/** A link that shows this run to whoever has it. */
export default function Share({ conversation, answer, generation }: PanelProps) {
  const question = questionOf(conversation, answer);
  const [span, setSpan] = useState<Span>('A day');
  const [withQuestion, setWithQuestion] = useState(true);
  const [link, setLink] = useState<Link>();
  const [error, setError] = useState<string>();
  const make = async () => {
    setError(undefined);
    try {
      const reply = await get(`/v1/generations/${encodeURIComponent(generation)}/ticket?seconds=${spans[span]}`, { method: 'POST' });
      if (!reply.ok) throw new Error(reply.status === 404 ? 'The server does not have this answer any more.' : `The server answered ${reply.status}.`);
      const { ticket, expiresAt } = (await reply.json()) as { ticket: string; expiresAt: string };
      setLink({ address: linkFor({ generation, ticket }, withQuestion ? question : ''), until: new Date(expiresAt) });
    } catch (cause) {
      setError((cause as Error).message);
    }
  };
  const change = (apply: () => void) => { apply(); setLink(undefined); };

  return (
    <div className="instrument-body share">
      <p className="instrument-lead">Whoever has the link sees all of this answer, thoughts and tools’ results too, live while it is written, and may look at it with Prove it, Inspector and Protocol lens. They need no key, and can stop, ask or list nothing.</p>
      <div className="chips" role="group" aria-label="How long">
        {(Object.keys(spans) as Span[]).map(name => <button key={name} type="button" className="small" aria-pressed={span === name} onClick={() => change(() => setSpan(name))}>{name}</button>)}
      </div>
      {question && <label className="check"><input type="checkbox" checked={withQuestion} onChange={event => change(() => setWithQuestion(event.target.checked))} /> With the question</label>}
      {!link && <div><button type="button" className="primary" onClick={() => void make()}><Icon name="link" size={16} /> Make the link</button></div>}
      {error && <p className="verdict bad" role="alert">There is no link. {error}</p>}
      {link && (
        <div role="status">
          <p className="row"><input readOnly aria-label="Link for reading" value={link.address} onFocus={event => event.target.select()} /><CopyButton text={link.address} what="link" /></p>
          <p className="note">It opens until {link.until.toLocaleString('en', { dateStyle: 'medium', timeStyle: 'short' })}{Date.now() + spans[span] * 1000 - link.until.getTime() > 5000 && ', which is as long as the server keeps the answer, or your key holds'}. It ends sooner if your key is revoked. What it carries stands after the #, where no server’s log has it.</p>
          {/^(?:localhost|127\.|\[::1\])/.test(location.hostname) && <p className="note">This page came from this machine alone: elsewhere the link leads nowhere.</p>}
        </div>
      )}
    </div>
  );
}

function questionOf({ turns }: Conversation, { parent }: Answer): string {
  const turn = parent === null ? undefined : turns[parent];
  return turn?.role === 'user' ? turn.text : '';
}
