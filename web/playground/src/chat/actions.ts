import { router } from '../app/router';
import { client } from '../api';
import { isRunning, newConversation, newId, newestLeaf, pathTo, requestFor, textOf, withTurn, type Answer, type Conversation, type Question, type Settings, type ToolResults, type Turn } from '../conversations/model';
import { runs } from '../conversations/runs';
import { conversations } from '../conversations/store';

/** Sends a question at the end of what is shown, or as the beginning of a new chat. Throws a sentence where a setting is wrong. */
export function send(conversation: Conversation | undefined, settings: Settings, text: string, images: string[]): void {
  const start = conversation ?? newConversation(settings);
  const question: Question = { id: newId(), parent: start.leaf, at: Date.now(), role: 'user', text, images };
  answer(start, question, conversation === undefined);
  if (!conversation) router.go(`#/c/${start.id}`);
}

/** The same question in other words: a branch beside it. */
export function edit(conversation: Conversation, question: Question, text: string): void {
  answer(conversation, { ...question, id: newId(), at: Date.now(), text });
}

/** Another answer beside the one that is there; one that failed before it said anything makes room. */
export function again(conversation: Conversation, old: Answer): void {
  if (old.parent === null) return;
  const next = newAnswer(conversation, old.parent);
  const replaces = old.state === 'error' && old.blocks.length === 0;
  conversations.change(conversation.id, c => {
    const { [old.id]: _, ...turns } = c.turns;
    return withTurn(replaces ? { ...c, turns } : c, next);
  });
}

export function giveResults(conversation: Conversation, call: Answer, results: ToolResults['results']): void {
  answer(conversation, { id: newId(), parent: call.id, at: Date.now(), role: 'tool', results });
}

/** Shows the branch that goes through a turn. */
export function show(conversation: Conversation, turn: Turn): void {
  conversations.change(conversation.id, c => ({ ...c, leaf: newestLeaf(c, turn.id) }));
}

/** A new chat with what stands up to a turn. */
export function branchOff(conversation: Conversation, turn: Turn): void {
  const path = pathTo(conversation, turn.id);
  const copy = newConversation(conversation.settings);
  conversations.add({ ...copy, title: `${conversation.title} (branch)`, turns: Object.fromEntries(path.map(t => [t.id, t])), leaf: turn.id });
  router.go(`#/c/${copy.id}`);
}

/** Takes a chat out of this browser; what it waits for is not wanted any more. */
export function remove(id: string): void {
  stopAll(Object.values(conversations.get(id)?.turns ?? {}));
  conversations.remove(id);
}

/** Ends the answers of a branch on the server, for all who watch them. */
export function stop(conversation: Conversation): void {
  stopAll(pathTo(conversation, conversation.leaf));
}

function stopAll(turns: readonly Turn[]): void {
  for (const turn of turns) {
    if (!isRunning(turn)) continue;
    const run = runs.get(turn.id);
    void (run ? run.stop() : turn.generation ? client.stop(turn.generation) : undefined)?.catch(error => console.warn('It was not stopped.', error));
  }
}

export function lastAnswer(conversation: Conversation): Answer | undefined {
  const turn = conversation.leaf === null ? undefined : conversation.turns[conversation.leaf];
  return turn?.role === 'assistant' ? turn : undefined;
}

export function textOfLast(conversation: Conversation): string | undefined {
  const last = lastAnswer(conversation);
  return last && textOf({ blocks: runs.get(last.id)?.getSnapshot().blocks ?? last.blocks });
}

function answer(conversation: Conversation, turn: Question | ToolResults, isNew = false): void {
  const asked = withTurn(conversation, turn);
  const next = newAnswer(asked, turn.id);
  if (isNew) conversations.add(withTurn(asked, next));
  else conversations.change(conversation.id, c => withTurn(withTurn(c, turn), next));
}

function newAnswer(conversation: Conversation, parent: string): Answer {
  const request = requestFor(conversation, parent);
  return {
    id: newId(), parent, at: Date.now() + 1, role: 'assistant', key: `${newId()}${newId()}`, request, generation: null, state: 'running',
    model: conversation.settings.model, blocks: [], usage: null, finish: null, error: null, stats: null,
  };
}
