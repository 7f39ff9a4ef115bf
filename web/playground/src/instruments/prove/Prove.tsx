import { useEffect, useState } from 'react';
import { Icon } from '../../app/Icon';
import { textOf } from '../../conversations/model';
import { runs } from '../../conversations/runs';
import { conversations } from '../../conversations/store';
import type { PanelProps } from '../../panels';
import '../instruments.css';
import { countOf, hasEnded, type Recording } from '../recordings';
import { useWhole } from '../useWhole';
import { wire } from '../wire';
import { useNode, type DevelopmentNode } from './useNode';
import { verify, type Proof, type Side } from './verify';

/** Breaks what can break, and then holds what this page got against the server's log. */
export default function Prove({ answer, generation }: PanelProps) {
  const { recording, trouble } = useWhole(answer, generation);
  const shown = textOf({ blocks: runs.get(answer.id)?.getSnapshot().blocks ?? answer.blocks });
  const isOver = answer.state !== 'running' && recording !== undefined && hasEnded(recording);
  const { proof, error } = useProof(isOver ? recording : undefined, shown);
  const node = useNode();
  const reload = () => void conversations.settled().then(() => location.reload());

  return (
    <div className="instrument-body prove">
      <p className="instrument-lead">{answer.state === 'running'
        ? 'Break it while it answers. The answer goes on at the server, and this page comes back to the very token. At the end both are compared.'
        : 'What this page got, held against the server’s log: every event, once, in order.'}</p>
      <div className="row">
        <button type="button" onClick={() => wire.cut()} disabled={answer.state !== 'running'}><Icon name="close" size={16} /> Cut my connection</button>
        <button type="button" onClick={reload}><Icon name="again" size={16} /> Reload the page</button>
        {node && <button type="button" onClick={node.kill} disabled={answer.state !== 'running' || node.killed !== undefined}><Icon name="bolt" size={16} /> Kill this node</button>}
      </div>
      {node && <NodeNote node={node} kills={recording ? countOf(recording, 'kill') : 0} />}
      {recording && <Counts recording={recording} characters={[...shown].length} />}
      <div role="status">
        {answer.state === 'running' && <p className="note"><span className="flow" /> &nbsp;Being written. The comparison follows at the end.</p>}
        {(error ?? trouble) && <p className="verdict bad">It could not be compared. {error ?? trouble}</p>}
        {proof && <Verdict proof={proof} recording={recording!} />}
      </div>
      {proof && <Sides proof={proof} />}
    </div>
  );
}

function NodeNote({ node: { process, killed }, kills }: { node: DevelopmentNode; kills: number }) {
  if (killed === undefined) return <p className="note node">The server is process {process}{kills > 0 ? ', the next one' : ''}.{kills === 0 && ' To kill it is as if its power had gone: an answer survives where Generations:OnCrash is continue.'}</p>;
  return (
    <div className="verdict bad node" role="status">
      <strong>Process {killed} is dead.</strong> Start the server again, and this page goes on by itself. From a loop it starts again by itself:
      <pre>until penstock serve; do sleep 1; done</pre>
    </div>
  );
}

function Counts({ recording, characters }: { recording: Recording; characters: number }) {
  const kills = countOf(recording, 'kill');
  return (
    <dl className={kills > 0 ? 'figures thirds' : 'figures'}>
      <div><dt>Events</dt><dd>{recording.seen.length.toLocaleString('en')}</dd></div>
      <div><dt>Characters</dt><dd>{characters.toLocaleString('en')}</dd></div>
      <div><dt>Cuts</dt><dd>{countOf(recording, 'cut')}</dd></div>
      <div><dt>Reloads</dt><dd>{countOf(recording, 'reload')}</dd></div>
      {kills > 0 && <div><dt>Kills</dt><dd>{kills}</dd></div>}
      <div><dt>Resumes</dt><dd>{countOf(recording, 'back', 'resume')}</dd></div>
    </dl>
  );
}

function Verdict({ proof, recording }: { proof: Proof; recording: Recording }) {
  if (!proof.same) return <p className="verdict bad"><strong>They differ.</strong> {proof.differs ?? 'The events are the same; the text on the page is not.'}</p>;
  const breaks = countOf(recording, 'cut', 'reload');
  return (
    <p className="verdict good">
      <Icon name="check" size={20} />
      <span>
        <strong>The same, to the last byte.</strong> {breaks > 0 && `Across ${breaks === 1 ? 'one break' : `${breaks} breaks`}: nothing lost, nothing twice. `}
        {recording.from >= 0 && `This page came in after event ${recording.from}; the events are compared from there, the text as a whole. `}
        {!recording.seen.some(s => s.live) && 'This page was not there while it was written, and has read it afterwards.'}
      </span>
    </p>
  );
}

function Sides({ proof: { page, log } }: { proof: Proof }) {
  const rows: [string, (side: Side) => string, boolean][] = [
    ['Events', side => side.events.toLocaleString('en'), false],
    ['SHA-256 of their ids and contents', side => side.hash, true],
    ['Characters of text', side => side.characters.toLocaleString('en'), false],
    ['SHA-256 of the text', side => side.textHash, true],
  ];
  return (
    <table className="sides">
      <thead><tr><td /><th scope="col">This page</th><th scope="col">The log</th></tr></thead>
      <tbody>{rows.map(([name, read, isHash]) => (
        <tr key={name} className={read(page) === read(log) ? 'same' : 'other'}>
          <th scope="row">{name}</th>
          {[page, log].map((side, i) => <td key={i}>{isHash ? <code className="hash">{read(side)}</code> : read(side)}</td>)}
        </tr>
      ))}</tbody>
    </table>
  );
}

function useProof(recording: Recording | undefined, shown: string): { proof: Proof | undefined; error: string | undefined } {
  const [state, setState] = useState<{ proof: Proof | undefined; error: string | undefined }>({ proof: undefined, error: undefined });
  useEffect(() => {
    let left = false;
    setState({ proof: undefined, error: undefined });
    if (recording) verify(recording, shown).then(proof => { if (!left) setState({ proof, error: undefined }); }, error => { if (!left) setState({ proof: undefined, error: (error as Error).message }); });
    return () => { left = true; };
  }, [recording, shown]);
  return state;
}
