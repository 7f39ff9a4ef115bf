import { startTransition, useEffect, useMemo, useRef, useState } from 'react';
import { Icon } from '../app/Icon';
import { copyText } from '../app/CopyButton';
import { useShortcut } from '../app/shortcuts';
import { isRunning, pathTo, type Conversation, type Settings } from '../conversations/model';
import { runs } from '../conversations/runs';
import { useObserved } from '../observable';
import { again, lastAnswer, send, stop, textOfLast } from './actions';
import { Announcer } from './Announcer';
import { AnswerView } from './AnswerView';
import { Composer } from './Composer';
import { Empty } from './Empty';
import { QuestionView } from './QuestionView';
import { ToolResultsForm, ToolResultsView } from './ToolResultsForm';
import { useFollow } from './useFollow';

// What one sees of a conversation that is opened; the rest is put above it while nobody waits.
const atFirst = 12;
const perStep = 8;

/** One conversation, or the place where one begins. */
export function Chat({ conversation, settings, reasoner }: { conversation: Conversation | undefined; settings: Settings; reasoner: string | undefined }) {
  const path = useMemo(() => (conversation ? pathTo(conversation, conversation.leaf) : []), [conversation]);
  const hidden = useHidden(path.length);
  const [editing, setEditing] = useState<string>();
  const scroller = useRef<HTMLDivElement>(null);
  const content = useRef<HTMLDivElement>(null);
  const { away, toEnd } = useFollow(scroller, content, path.length === 0);
  const last = conversation && lastAnswer(conversation);
  const running = path.some(isRunning);
  const lastRun = useObserved(runs, () => (last ? runs.get(last.id) : undefined));
  const ask = (text: string, images: string[], other = settings) => {
    send(conversation, other, text, images);
    toEnd();
  };
  useShortcut('Alt+J', toEnd);
  useShortcut('Alt+R', () => { if (conversation && last && !running) again(conversation, last); });
  useShortcut('Alt+C', () => { const text = conversation && textOfLast(conversation); if (text) void copyText(text); });

  return (
    <div className="chat">
      <div className="scroller" ref={scroller} tabIndex={0} aria-label="Conversation" role="log" aria-live="off">
        <div className="transcript" ref={content}>
          {conversation && path.length > 0 && <h1 className="visually-hidden">{conversation.title}</h1>}
          {path.length === 0 && <Empty onAsk={(text, reasons) => ask(text, [], reasons && reasoner ? { ...settings, model: reasoner } : settings)} />}
          {path.map((turn, i) => i < hidden ? null : turn.role === 'user' ? <QuestionView key={turn.id} conversation={conversation!} question={turn} editing={editing === turn.id} onEdit={setEditing} />
            : turn.role === 'tool' ? <ToolResultsView key={turn.id} turn={turn} />
            : <AnswerView key={turn.id} conversation={conversation!} answer={turn} run={runs.get(turn.id)} isLast={i === path.length - 1} />)}
          {last && last.state === 'done' && last.finish === 'tool_calls' && <ToolResultsForm key={last.id} conversation={conversation!} answer={last} />}
        </div>
      </div>
      <div className="dock">
        {away && <button type="button" className="to-end" onClick={toEnd} title="Down to the latest (Alt+J)"><Icon name="end" size={16} /> {running ? 'The answer goes on' : 'Down'}</button>}
        <Composer name={conversation?.id ?? 'new'} isRunning={running} onSend={ask} onStop={() => conversation && stop(conversation)} onEditLast={() => setEditing(path.findLast(turn => turn.role === 'user')?.id)} />
      </div>
      <Announcer key={last?.id} run={lastRun} />
    </div>
  );
}

/** How many turns at the beginning are not on the page yet. */
function useHidden(length: number): number {
  const [hidden, setHidden] = useState(Math.max(0, length - atFirst));
  useEffect(() => {
    if (hidden === 0) return;
    const timer = setTimeout(() => startTransition(() => setHidden(Math.max(0, hidden - perStep))), 16);
    return () => clearTimeout(timer);
  }, [hidden]);
  return hidden;
}
