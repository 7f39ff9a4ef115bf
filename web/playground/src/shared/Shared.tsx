import { useEffect, useMemo } from 'react';
import { RunStore, useRun } from 'penstock/react';
import { client } from '../api';
import { Icon } from '../app/Icon';
import { Logo } from '../app/Logo';
import { PanelAside, PanelButtons } from '../app/PanelAside';
import { usePlace } from '../app/router';
import { AnswerView } from '../chat/AnswerView';
import { elsewhere } from '../conversations/link';
import { plainSettings, type Conversation, type Question } from '../conversations/model';
import { settled } from '../conversations/runs';
import { guest } from '../guest';
import { panels } from '../panels';
import '../instruments/instruments.css';
import './shared.css';

const readers = panels.filter(panel => panel.reads);

/** `#/shared/…`: one run, for whoever has the link, to read and to look at. */
export default function Shared() {
  const { query } = usePlace();
  const { generation } = guest!;
  const run = useMemo(() => new RunStore({ client, name: generation, storage: null, batch: 'frame' }), [generation]);
  useEffect(() => run.attach(generation), [run, generation]);
  const state = useRun(run);
  const conversation = conversationOf(generation, query.get('q') ?? '');
  const answer = { ...settled(elsewhere({ id: 'answer', parent: null, at: 0 }, generation), state), ...(run.isRunning || state.status === 'idle' ? { state: 'running' as const } : {}) };
  conversation.turns[answer.id] = answer;
  const panel = readers.find(p => p.id === query.get('panel'));
  const question = conversation.turns.question as Question | undefined;
  useEffect(() => { document.title = 'A shared answer · Penstock'; }, []);

  return (
    <div className="app no-sidebar">
      <main className="page">
        <header className="top shared-top">
          <a className="brand" href="./"><Logo /> Penstock</a>
          <span className="spacer" />
          <PanelButtons panels={readers} open={panel?.id} />
        </header>
        <div className="beside">
          <div className="chat">
            <div className="scroller" tabIndex={0} role="log" aria-live="off" aria-label="Answer">
              <div className="transcript">
                <h1 className="visually-hidden">A shared answer</h1>
                <p className="shared-note"><Icon name="link" size={16} /> Somebody shows you this answer. You may read it, and see how it came.</p>
                {question && <article className="turn question" aria-label="Question"><p className="question-text">{question.text}</p></article>}
                {state.error && (state.error.status === 401 || state.error.status === 404)
                  ? <p className="verdict bad" role="alert"><strong>This link opens nothing any more.</strong> Its time is over, its key was revoked, or the server does not have the answer any more. Ask who sent it for another.</p>
                  : <AnswerView conversation={conversation} answer={answer} run={run} isLast isShared />}
              </div>
            </div>
          </div>
          {panel && <PanelAside conversation={conversation} id={panel.id} turn={answer.id} />}
        </div>
      </main>
    </div>
  );
}

// In memory, and in no list.
function conversationOf(generation: string, text: string): Conversation {
  const question: Question = { id: 'question', parent: null, at: 0, role: 'user', text, images: [] };
  return { id: generation, title: '', createdAt: 0, updatedAt: 0, settings: plainSettings, turns: text ? { question } : {}, leaf: 'answer' };
}
