import { useState } from 'react';
import type { Answer, Conversation, ToolResults } from '../conversations/model';
import { giveResults } from './actions';

/** A model that called tools waits for what they say: the person says it. */
export function ToolResultsForm({ conversation, answer }: { conversation: Conversation; answer: Answer }) {
  const calls = answer.blocks.filter(block => block.kind === 'tool_call' && block.choice === 0);
  const [texts, setTexts] = useState<Record<string, string>>({});
  return (
    <form className="tool-results" onSubmit={event => {
      event.preventDefault();
      giveResults(conversation, answer, calls.map(call => ({ callId: call.callId ?? '', text: texts[call.block] ?? '' })));
    }}>
      {calls.map(call => (
        <label key={call.block}>
          <span>Result of <code>{call.name}</code></span>
          <textarea rows={2} value={texts[call.block] ?? ''} onChange={event => setTexts({ ...texts, [call.block]: event.target.value })} placeholder='What the tool says, such as {"degrees": 21}' />
        </label>
      ))}
      <button type="submit" className="primary">Send {calls.length > 1 ? 'results' : 'result'}</button>
    </form>
  );
}

export function ToolResultsView({ turn }: { turn: ToolResults }) {
  return (
    <div className="turn tool-results" data-turn={turn.id}>
      {turn.results.map(result => <pre key={result.callId} tabIndex={0}>{result.text || '(nothing)'}</pre>)}
    </div>
  );
}
