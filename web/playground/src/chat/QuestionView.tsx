import { memo, useEffect, useRef, useState } from 'react';
import { CopyButton } from '../app/CopyButton';
import { Icon } from '../app/Icon';
import type { Conversation, Question } from '../conversations/model';
import { edit } from './actions';
import { Branches } from './Branches';
import { isComposing } from './Composer';
import { useAutosize } from './useAutosize';

export const QuestionView = memo(function QuestionView({ conversation, question, editing, onEdit }: {
  conversation: Conversation;
  question: Question;
  editing: boolean;
  onEdit: (question: string | undefined) => void;
}) {
  return (
    <article className="turn question" aria-label="Question" data-turn={question.id}>
      {question.images.length > 0 && <div className="pictures">{question.images.map((url, i) => <img key={i} className="picture" src={url} alt={`Attached picture ${i + 1}`} />)}</div>}
      {editing
        ? <Editor text={question.text} onLeave={() => onEdit(undefined)} onSend={text => { edit(conversation, question, text); onEdit(undefined); }} />
        : question.text && <p className="question-text">{question.text}</p>}
      {!editing && (
        <footer className="turn-foot">
          <Branches conversation={conversation} turn={question} />
          <CopyButton text={question.text} what="question" />
          <button type="button" className="ghost small" onClick={() => onEdit(question.id)}><Icon name="edit" size={15} /> <span>Edit</span></button>
        </footer>
      )}
    </article>
  );
});

function Editor({ text, onSend, onLeave }: { text: string; onSend: (text: string) => void; onLeave: () => void }) {
  const [draft, setDraft] = useState(text);
  const field = useRef<HTMLTextAreaElement>(null);
  useEffect(() => {
    field.current!.focus();
    field.current!.setSelectionRange(text.length, text.length);
  }, [text]);
  useAutosize(field, draft);
  const send = () => { if (draft.trim()) onSend(draft); };
  return (
    <form className="editor" onSubmit={event => { event.preventDefault(); send(); }}>
      <textarea ref={field} aria-label="The question in other words" value={draft} onChange={event => setDraft(event.target.value)} onKeyDown={event => {
        if (event.key === 'Escape') { event.preventDefault(); onLeave(); }
        if (event.key === 'Enter' && !event.shiftKey && !isComposing(event)) { event.preventDefault(); send(); }
      }} />
      <p className="row">
        <button type="submit" className="primary" disabled={!draft.trim()}>Send</button>
        <button type="button" className="ghost" onClick={onLeave}>Leave as it is</button>
      </p>
    </form>
  );
}
