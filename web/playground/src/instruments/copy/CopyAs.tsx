import { useState } from 'react';
import { apiKey, baseUrl } from '../../api';
import { CopyButton } from '../../app/CopyButton';
import { requestFor } from '../../conversations/model';
import { Code } from '../../markdown/Code';
import type { PanelProps } from '../../panels';
import '../instruments.css';
import { snippetsFor } from './snippets';

/** The question of an answer as code, for who wants it elsewhere. */
export default function CopyAs({ conversation, answer, generation }: PanelProps) {
  const [at, setAt] = useState(0);
  const read = `curl -N ${baseUrl}/v1/generations/${generation}/events`;
  if (answer.parent === null) return <div className="instrument-body"><p className="note">Somebody else has asked for this answer; its request is not known here. To read it:</p><Code text={read} language="sh" open={false} /></div>;
  const request = { ...requestFor(conversation, answer.parent), ...(answer.request?.model ? { model: answer.request.model } : {}) };
  const snippets = snippetsFor(request, baseUrl, apiKey !== '');
  const snippet = snippets[at]!;
  return (
    <div className="instrument-body copy-as">
      <div className="chips" role="group" aria-label="Client">
        {snippets.map(({ name }, i) => <button key={name} type="button" className="small" aria-pressed={i === at} onClick={() => setAt(i)}>{name}</button>)}
      </div>
      <Code text={snippet.code.trimEnd()} language={snippet.language} open={false} />
      <p className="note"><strong>After a cut.</strong> {snippet.resume}</p>
      <p className="note">This very answer, running or ended: <code>{read}</code></p>
      <div><CopyButton text={read} what="the address" /></div>
    </div>
  );
}
