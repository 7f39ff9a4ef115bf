import { memo, useState } from 'react';
import type { Block, PenstockError } from 'penstock';
import { client } from '../api';
import { Icon } from '../app/Icon';
import { Growing } from '../markdown/Growing';

/** A call as it arrives: its name at once, its arguments letter by letter, and in order once they are whole. */
export const ToolCallCard = memo(function ToolCallCard({ block, done, isRunning, generation }: { block: Block; done: boolean; isRunning: boolean; generation: string | null }) {
  const waits = isRunning && block.approval === 'asked';
  const state = waits ? 'waits for your word' : block.approval === 'denied' ? 'denied' : block.approval === 'approved' ? 'allowed' : '';
  return (
    <section className="tool-call" aria-label={`Call of ${block.name ?? 'a tool'}`}>
      <header><Icon name="tool" size={16} /> <code>{block.name ?? '…'}</code> {block.server && <span>at {block.server}</span>} {!done && <span className="flow" />} {state && <span className="state">{state}</span>}</header>
      <pre tabIndex={0}><Growing text={done ? pretty(block.text) : block.text} /></pre>
      {waits && generation !== null && <Word generation={generation} block={block.block} />}
    </section>
  );
});

/** What a tool of the server's gave back. */
export const ToolResultCard = memo(function ToolResultCard({ block, name }: { block: Block; name: string | undefined }) {
  return (
    <details className={block.isError ? 'tool-result failed' : 'tool-result'}>
      <summary><Icon name={block.isError ? 'close' : 'check'} size={15} /> {block.isError ? 'What went wrong' : 'Result'}{name && <> of <code>{name}</code></>} <Icon name="down" size={14} /></summary>
      <pre tabIndex={0}><Growing text={block.text} /></pre>
    </details>
  );
});

function Word({ generation, block }: { generation: string; block: number }) {
  const [said, setSaid] = useState(false);
  const [trouble, setTrouble] = useState('');
  const say = (approve: boolean) => {
    setSaid(true);
    client.approve(generation, block, approve).catch((error: PenstockError) => {
      setTrouble(error.message);
      setSaid(false);
    });
  };
  return (
    <div className="word">
      <button type="button" className="primary" disabled={said} onClick={() => say(true)}>Allow</button>
      <button type="button" disabled={said} onClick={() => say(false)}>Deny</button>
      {trouble && <p className="note" role="alert">{trouble}</p>}
    </div>
  );
}

function pretty(json: string): string {
  try {
    return JSON.stringify(JSON.parse(json), undefined, 2);
  } catch {
    return json;
  }
}
