import { RunStore, type StreamState } from 'penstock/react';
import { client } from '../api';
import { guest } from '../guest';
import { Observable } from '../observable';
import { isRunning, type Answer, type Conversation } from './model';
import { conversations, type Conversations } from './store';

/** Follows the answers that run, whatever conversation the person looks at, and stores each with its end. */
export class Runs extends Observable {
  #runs = new Map<string, RunStore>();

  constructor(private readonly conversations: Conversations) {
    super();
    conversations.subscribe(() => this.#look());
  }

  /** The run of an answer that this page has followed. */
  get(answer: string): RunStore | undefined {
    return this.#runs.get(answer);
  }

  // Whatever is open and runs is followed; so is what the list knows to run, for its conversation is opened here.
  #look(): void {
    if (guest) return; // they are not a guest's to read
    for (const { id, running } of this.conversations.list ?? []) {
      if (!running) continue;
      const conversation = this.conversations.get(id);
      for (const turn of Object.values(conversation?.turns ?? {})) if (isRunning(turn) && !this.#runs.has(turn.id)) this.#follow(id, turn);
    }
  }

  #follow(conversation: string, answer: Answer): void {
    // Without storage of its own: the conversation keeps what a reload needs.
    const run = new RunStore({ client, name: answer.id, storage: null, batch: 'frame' });
    this.#runs.set(answer.id, run);
    let known = answer.generation;
    const leave = run.subscribe(() => {
      const state = run.getSnapshot();
      if (state.id !== undefined && known !== state.id) {
        known = state.id;
        this.conversations.change(conversation, c => changed(c, answer.id, a => ({ ...a, generation: a.generation ?? state.id! })));
      }
      if (run.isRunning) return;
      leave();
      this.conversations.change(conversation, c => changed(c, answer.id, a => (a.state === 'running' ? settled(a, state) : a)));
    });
    if (answer.generation !== null) run.attach(answer.generation);
    else run.start(answer.request!, { idempotencyKey: answer.key });
    this.changed();
  }
}

function changed(conversation: Conversation, id: string, change: (answer: Answer) => Answer): Conversation {
  const turn = conversation.turns[id];
  return turn?.role === 'assistant' ? { ...conversation, turns: { ...conversation.turns, [id]: change(turn) } } : conversation;
}

/** An answer as it ended. */
export function settled(answer: Answer, { id, model, blocks, usage, finish, error, status, stats }: StreamState): Answer {
  return {
    ...answer,
    generation: answer.generation ?? id ?? null,
    request: answer.request && { ...answer.request, messages: [] }, // the turns have them
    model: model ?? answer.model,
    state: status === 'stopped' ? 'stopped' : status === 'error' ? 'error' : 'done',
    // What the store has lost, this page may still have.
    blocks: blocks.length > 0 ? blocks : answer.blocks,
    usage: usage ?? null,
    finish: finish ?? null,
    error: error ? { code: error.code, message: error.message, status: error.status, retryable: error.retryable } : null,
    stats,
  };
}

export const runs = new Runs(conversations);
