import { Icon } from '../app/Icon';
import { siblings, type Conversation, type Turn } from '../conversations/model';
import { show } from './actions';

/** Which of several turns in one place is shown: ‹ 2/3 ›. */
export function Branches({ conversation, turn }: { conversation: Conversation; turn: Turn }) {
  const all = siblings(conversation, turn);
  if (all.length < 2) return null;
  const at = all.findIndex(sibling => sibling.id === turn.id);
  const step = (by: number) => { const to = all[at + by]; if (to) show(conversation, to); };
  return (
    <span className="branches" role="group" aria-label="Branches">
      <button type="button" className="ghost small" aria-label="The branch before" disabled={at === 0} onClick={() => step(-1)}><Icon name="left" size={15} /></button>
      <span>{at + 1}/{all.length}</span>
      <button type="button" className="ghost small" aria-label="The next branch" disabled={at === all.length - 1} onClick={() => step(1)}><Icon name="right" size={15} /></button>
    </span>
  );
}
