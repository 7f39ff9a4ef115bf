import { memo } from 'react';
import type { Block } from 'penstock';
import { Icon } from '../app/Icon';
import { Growing } from '../markdown/Growing';

/** A call as it arrives: its name at once, its arguments letter by letter, and in order once they are whole. */
export const ToolCallCard = memo(function ToolCallCard({ block, done }: { block: Block; done: boolean }) {
  return (
    <section className="tool-call" aria-label={`Call of ${block.name ?? 'a tool'}`}>
      <header><Icon name="tool" size={16} /> <code>{block.name ?? '…'}</code> {!done && <span className="flow" />}</header>
      <pre tabIndex={0}><Growing text={done ? pretty(block.text) : block.text} /></pre>
    </section>
  );
});

function pretty(json: string): string {
  try {
    return JSON.stringify(JSON.parse(json), undefined, 2);
  } catch {
    return json;
  }
}
