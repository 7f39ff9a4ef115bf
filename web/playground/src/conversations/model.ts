import type { Block, GenerationRequest, Result, Usage } from 'penstock';
import type { Stats } from 'penstock/react';

/** What goes with every question of a conversation. */
export interface Settings {
  model: string;
  system: string;
  temperature: number | null;
  topP: number | null;
  maxTokens: number | null;
  /** JSON: an array of tools as Chat Completions has them. */
  tools: string;
  /** JSON: any other fields of the request. */
  extra: string;
}

export const plainSettings: Settings = { model: '', system: '', temperature: null, topP: null, maxTokens: null, tools: '', extra: '' };

interface TurnBase {
  id: string;
  /** What it follows; null begins the conversation. Several may follow one: they are branches. */
  parent: string | null;
  at: number;
}

export interface Question extends TurnBase {
  role: 'user';
  text: string;
  /** Pictures, as data: addresses. */
  images: string[];
}

export interface ToolResults extends TurnBase {
  role: 'tool';
  results: { callId: string; text: string }[];
}

export interface Answer extends TurnBase {
  role: 'assistant';
  /** The idempotency key: however often it is asked for, from whatever tab, it is generated once. */
  key: string;
  /** Null for one that somebody else asked for. */
  request: GenerationRequest | null;
  generation: string | null;
  /** What there is of it is on the server while it runs. */
  state: 'running' | 'done' | 'stopped' | 'error';
  model: string;
  blocks: readonly Block[];
  usage: Usage | null;
  finish: Result['finish'] | null;
  error: Trouble | null;
  stats: Stats | null;
}

/** A PenstockError that can be stored. */
export interface Trouble {
  code: string;
  message: string;
  status: number;
  retryable: boolean;
}

export type Turn = Question | ToolResults | Answer;

export interface Conversation {
  id: string;
  title: string;
  createdAt: number;
  updatedAt: number;
  settings: Settings;
  turns: Record<string, Turn>;
  /** The end of the branch that is shown. */
  leaf: string | null;
}

export interface Summary {
  id: string;
  title: string;
  updatedAt: number;
  running: boolean;
}

export function newId(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(12)), byte => byte.toString(16).padStart(2, '0')).join('');
}

export function newConversation(settings: Settings): Conversation {
  const now = Date.now();
  return { id: newId(), title: 'New chat', createdAt: now, updatedAt: now, settings, turns: {}, leaf: null };
}

export function summaryOf({ id, title, updatedAt, turns }: Conversation): Summary {
  return { id, title, updatedAt, running: Object.values(turns).some(isRunning) };
}

export function isRunning(turn: Turn): turn is Answer {
  return turn.role === 'assistant' && turn.state === 'running';
}

/** The branch that ends with a turn, from the beginning. */
export function pathTo({ turns }: Conversation, leaf: string | null): Turn[] {
  const path: Turn[] = [];
  for (let turn = leaf === null ? undefined : turns[leaf]; turn; turn = turn.parent === null ? undefined : turns[turn.parent]) path.push(turn);
  return path.reverse();
}

/** A turn and those that stand in its place on other branches, the oldest first. */
export function siblings({ turns }: Conversation, { parent }: Turn): Turn[] {
  return Object.values(turns).filter(turn => turn.parent === parent).sort((a, b) => a.at - b.at || (a.id < b.id ? -1 : 1));
}

/** The newest end of what follows a turn. */
export function newestLeaf({ turns }: Conversation, from: string): string {
  for (;;) {
    const next = Object.values(turns).filter(turn => turn.parent === from).sort((a, b) => b.at - a.at)[0];
    if (!next) return from;
    from = next.id;
  }
}

/** The same conversation with one more turn at its end. */
export function withTurn(conversation: Conversation, turn: Turn): Conversation {
  const title = conversation.title === 'New chat' && turn.role === 'user' ? titleOf(turn) : conversation.title;
  return { ...conversation, title, updatedAt: Math.max(conversation.updatedAt, turn.at), turns: { ...conversation.turns, [turn.id]: turn }, leaf: turn.id };
}

function titleOf({ text, images }: Question): string {
  const line = text.trim().split('\n', 1)[0]!;
  if (line === '') return images.length > 0 ? 'A picture' : 'New chat';
  return line.length > 60 ? `${line.slice(0, 59).trimEnd()}…` : line;
}

export function textOf(answer: Pick<Answer, 'blocks'>): string {
  return answer.blocks.filter(b => (b.kind === 'text' || b.kind === 'refusal') && b.choice === 0).map(b => b.text).join('');
}

/** A turn as Chat Completions has it. */
export function toMessages(turn: Turn): object[] {
  switch (turn.role) {
    case 'user':
      return [{ role: 'user', content: turn.images.length === 0 ? turn.text : [...(turn.text ? [{ type: 'text', text: turn.text }] : []), ...turn.images.map(url => ({ type: 'image_url', image_url: { url } }))] }];
    case 'tool':
      return turn.results.map(({ callId, text }) => ({ role: 'tool', tool_call_id: callId, content: text }));
    case 'assistant': {
      const calls = turn.blocks.filter(b => b.kind === 'tool_call' && b.choice === 0 && b.done);
      return [{ role: 'assistant', content: textOf(turn), ...(calls.length > 0 ? { tool_calls: calls.map(c => ({ id: c.callId, type: 'function', function: { name: c.name, arguments: c.text } })) } : {}) }];
    }
  }
}

/** What to ask for, so that the branch that ends with a turn is answered. Throws a sentence where a setting is no JSON. */
export function requestFor(conversation: Conversation, leaf: string): GenerationRequest {
  const { model, system, temperature, topP, maxTokens, tools, extra } = conversation.settings;
  const messages = pathTo(conversation, leaf).flatMap(toMessages);
  const offered = parse<object[]>(tools, 'The tools', Array.isArray, 'an array');
  return {
    ...(model ? { model } : {}),
    messages: system.trim() ? [{ role: 'system', content: system }, ...messages] : messages,
    ...(temperature === null ? {} : { temperature }),
    ...(topP === null ? {} : { top_p: topP }),
    ...(maxTokens === null ? {} : { max_tokens: maxTokens }),
    ...(offered && offered.length > 0 ? { tools: offered } : {}),
    ...parse<object>(extra, 'The other fields', value => typeof value === 'object' && value !== null && !Array.isArray(value), 'an object'),
  };
}

function parse<T>(json: string, what: string, fits: (value: unknown) => boolean, kind: string): T | undefined {
  if (json.trim() === '') return undefined;
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch (error) {
    throw new Error(`${what} are not JSON: ${(error as Error).message}.`);
  }
  if (!fits(value)) throw new Error(`${what} are not ${kind}.`);
  return value as T;
}

