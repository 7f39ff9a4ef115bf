import { lastAnswer } from '../chat/actions';
import { pathTo, type Answer, type Conversation } from '../conversations/model';
import { panels, type Panel } from '../panels';
import { Icon } from './Icon';
import { Lazy } from './Lazy';
import { router } from './router';

export function PanelButtons({ panels, open }: { panels: readonly Panel[]; open: string | undefined }) {
  return (
    <div className="panel-buttons">
      {panels.map(({ id, title, icon }) => (
        <button key={id} type="button" className="ghost round" aria-label={title} title={title} aria-pressed={open === id} onClick={() => router.ask({ panel: open === id ? null : id })}><Icon name={icon} /></button>
      ))}
    </div>
  );
}

/** An instrument, for the answer that the address names or the last one. */
export function PanelAside({ conversation, id, turn }: { conversation: Conversation; id: string; turn: string | null }) {
  const panel = panels.find(p => p.id === id)!;
  const named = turn === null ? undefined : conversation.turns[turn];
  const answer = named?.role === 'assistant' ? named : lastAnswer(conversation) ?? pathTo(conversation, conversation.leaf).findLast((t): t is Answer => t.role === 'assistant');
  return (
    <aside className="side instrument" aria-label={panel.title}>
      <header><h2>{panel.title}</h2><button type="button" className="ghost round" aria-label="Close" onClick={() => router.ask({ panel: null, turn: null })}><Icon name="close" /></button></header>
      {answer?.generation ? <Lazy id={id} load={panel.load} props={{ conversation, answer, generation: answer.generation }} /> : <p className="note pad">There is no answer yet.</p>}
    </aside>
  );
}
