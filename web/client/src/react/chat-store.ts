import type { GenerationRequest } from '../client.js';
import { newKey } from '../key.js';
import { Pocket } from '../pocket.js';
import { RunStore, type Status, type StoreOptions, type StreamState } from './run-store.js';
import { Store } from './store.js';
import type { PenstockError } from '../errors.js';

export interface ToolCall {
  readonly id: string;
  readonly name: string;
  /** JSON, whole once the message is `done`. */
  readonly arguments: string;
}

export interface ChatMessage {
  readonly id: string;
  readonly role: 'system' | 'user' | 'assistant' | 'tool';
  /** Text, or the parts of a Chat Completions message: images and the like. */
  readonly content: string | readonly object[];
  readonly reasoning?: string;
  readonly toolCalls?: readonly ToolCall[];
  /** Which call a message of the role `tool` answers. */
  readonly toolCallId?: string;
  /** How far an answer is; a whole one has none. */
  readonly status?: 'streaming' | 'stopped' | 'error';
}

export interface ChatState {
  readonly messages: readonly ChatMessage[];
  readonly status: Status;
  readonly error: PenstockError | undefined;
  readonly stats: StreamState['stats'];
  /** The generation that is shown last. */
  readonly id: string | undefined;
}

export interface ChatStoreOptions extends StoreOptions {
  initialMessages: readonly ChatMessage[];
}

/** A conversation: messages, and the answer that comes. */
export class ChatStore extends Store<ChatState> {
  /** What goes with each request beside the messages; read when one is sent. */
  request: GenerationRequest = {};
  #run: RunStore;
  #pocket: Pocket<readonly ChatMessage[]>;
  #messages: readonly ChatMessage[];
  #unsubscribe: (() => void) | undefined;
  #loaded = false;

  constructor(options: ChatStoreOptions) {
    super(0); // the run's own batches are ours
    this.#run = new RunStore(options);
    this.#pocket = new Pocket(`penstock:chat:${options.name}`, options.storage);
    this.#messages = options.initialMessages;
  }

  /** Adds a message and asks for the answer. */
  readonly send = (message: string | Omit<ChatMessage, 'id'>): void => {
    if (this.#run.isRunning) throw new Error('An answer is still coming: stop() it first.');
    this.#load();
    const added: ChatMessage = typeof message === 'string' ? { id: newKey(), role: 'user', content: message } : { ...message, id: newKey() };
    this.#ask([...this.#settled(), added]);
  };

  /** Ends the answer on the server, for all who watch it. */
  readonly stop = (): Promise<void> => this.#run.stop();

  /** Asks for the last answer again. */
  readonly retry = (): void => {
    if (this.#run.isRunning) return;
    const messages = this.#settled();
    const last = messages.findLastIndex(m => m.role !== 'assistant');
    if (last < 0) return;
    if (last === messages.length - 1 && this.#run.getSnapshot().error) this.#run.retry();
    else this.#ask(messages.slice(0, last + 1));
  };

  /** Replaces the conversation: another one, an edited one, none. */
  readonly setMessages = (messages: readonly ChatMessage[]): void => {
    if (this.#run.isRunning) throw new Error('An answer is still coming: stop() it first.');
    this.#loaded = true;
    this.#run.forget();
    this.#keep(messages);
    this.changed('now');
  };

  protected override read(): ChatState {
    const { status, error, stats, id } = this.#run.getSnapshot();
    return { messages: this.#settled(), status, error, stats, id };
  }

  protected override activate(): void {
    this.#load();
    this.#unsubscribe = this.#run.subscribe(() => this.#show());
    this.changed('now');
  }

  protected override deactivate(): void {
    this.#unsubscribe?.();
    this.#unsubscribe = undefined;
  }

  #show(): void {
    // At once, since the run forgets itself with its ending.
    if (!this.#run.isRunning) this.#keep(this.#settled());
    this.changed('now');
  }

  #load(): void {
    if (this.#loaded) return;
    this.#loaded = true;
    this.#messages = this.#pocket.load() ?? this.#messages;
  }

  #keep(messages: readonly ChatMessage[]): void {
    this.#messages = messages;
    this.#pocket.save(messages);
  }

  #ask(messages: readonly ChatMessage[]): void {
    this.#keep(messages);
    this.#run.start({ ...this.request, messages: messages.map(toRequest) });
    this.changed('now');
  }

  /** The messages with the answer in its place behind them. */
  #settled(): readonly ChatMessage[] {
    const { key } = this.#run;
    const run = this.#run.getSnapshot();
    if (key === undefined || run.status === 'idle') return this.#messages;
    const answer = toMessage(key, run);
    const before = this.#messages.filter(m => m.id !== key);
    return answer ? [...before, answer] : before;
  }
}

function toMessage(id: string, run: StreamState): ChatMessage | undefined {
  const toolCalls = run.blocks.filter(b => b.kind === 'tool_call' && b.choice === 0).map(b => ({ id: b.callId ?? '', name: b.name ?? '', arguments: b.text }));
  const refusal = run.blocks.filter(b => b.kind === 'refusal' && b.choice === 0).map(b => b.text).join('');
  const status = run.status === 'done' ? {} : { status: run.status === 'stopped' || run.status === 'error' ? run.status : 'streaming' as const };
  if (run.status === 'error' && run.blocks.length === 0) return undefined;
  return {
    id, role: 'assistant', content: run.text || refusal, ...status,
    ...(run.reasoning ? { reasoning: run.reasoning } : {}),
    ...(toolCalls.length > 0 ? { toolCalls } : {}),
  };
}

// As Chat Completions has it.
function toRequest({ role, content, toolCalls, toolCallId }: ChatMessage): object {
  return {
    role, content,
    ...(toolCalls ? { tool_calls: toolCalls.map(call => ({ id: call.id, type: 'function', function: { name: call.name, arguments: call.arguments } })) } : {}),
    ...(toolCallId === undefined ? {} : { tool_call_id: toolCallId }),
  };
}
