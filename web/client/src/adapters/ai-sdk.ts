import type { ChatTransport, UIMessage, UIMessageChunk } from 'ai';
import type { Client, GenerationRequest } from '../client.js';
import { isEnding, type BlockStart, type PenstockEvent } from '../events.js';
import { PenstockError } from '../errors.js';
import { Pocket } from '../pocket.js';
import type { Run } from '../run.js';

export interface TransportOptions {
  client: Client;
  /** What goes with each request beside the messages: the model, its parameters, tools. A `body` given to `sendMessage` goes before it. */
  request?: GenerationRequest;
  /** Where the id of a chat's running answer is kept over a reload: `sessionStorage` without it; `null` for nowhere. */
  storage?: Storage | null;
}

/**
 * For `useChat` of the AI SDK: `new Chat({ transport: new PenstockChatTransport({ client }) })`, with `resume: true` to pick up
 * a running answer after a reload. Its `stop()` ends the answer on the server.
 */
export class PenstockChatTransport<M extends UIMessage = UIMessage> implements ChatTransport<M> {
  /** A resumed stream begins with the answer's beginning. */
  readonly resumeStreamIsReplay = true;

  constructor(private readonly options: TransportOptions) {}

  async sendMessages({ chatId, messages, abortSignal, body }: Parameters<ChatTransport<M>['sendMessages']>[0]): Promise<ReadableStream<UIMessageChunk>> {
    const run = await this.options.client.start({ ...this.options.request, ...body, messages: messages.flatMap(toRequest) });
    this.#kept(chatId).save(run.id);
    // Whoever stops means it: the answer shall not go on unseen.
    onAbort(abortSignal, () => void run.stop().catch(() => {}));
    return this.#stream(chatId, run);
  }

  async reconnectToStream({ chatId, abortSignal }: Parameters<ChatTransport<M>['reconnectToStream']>[0]): Promise<ReadableStream<UIMessageChunk> | null> {
    const id = this.#kept(chatId).load();
    if (id === undefined) return null;
    const run = this.options.client.attach(id);
    const resume = Symbol(chatId);
    latestResume.set(chatId, resume);
    // A resume that takes another's place aborts it in the same breath, and means no stop.
    onAbort(abortSignal, () => setTimeout(() => { if (latestResume.get(chatId) === resume) run.stop().catch(() => {}); }));
    return this.#stream(chatId, run);
  }

  #kept(chatId: string): Pocket<string> {
    return new Pocket(`penstock:ai:${chatId}`, this.options.storage);
  }

  #stream(chatId: string, run: Run): ReadableStream<UIMessageChunk> {
    const chunks = this.#chunks(chatId, run);
    return new ReadableStream({
      async pull(controller) {
        const { done, value } = await chunks.next();
        if (done) controller.close();
        else controller.enqueue(value);
      },
      async cancel() {
        await chunks.return(undefined);
      },
    });
  }

  async *#chunks(chatId: string, run: Run): AsyncGenerator<UIMessageChunk, void, void> {
    const writer = new ChunkWriter(run.id);
    try {
      for await (const event of run) {
        if (isEnding(event)) this.#kept(chatId).save(undefined);
        yield* writer.write(event);
      }
    } catch (error) {
      if (error instanceof PenstockError) this.#kept(chatId).save(undefined);
      yield { type: 'error', errorText: error instanceof Error ? error.message : 'The answer could not be read.' };
    }
  }
}

// By chat, not by transport: a component may make one in each render.
const latestResume = new Map<string, symbol>();

function onAbort(signal: AbortSignal | undefined, then: () => void): void {
  if (signal?.aborted) then();
  else signal?.addEventListener('abort', then, { once: true });
}

/** Native events as the AI SDK has them. */
class ChunkWriter {
  #blocks = new Map<number, BlockStart & { json: string }>();
  #begun = false;

  constructor(private readonly id: string) {}

  *write(event: PenstockEvent): Generator<UIMessageChunk, void, void> {
    switch (event.type) {
      case 'started':
        if (this.#begun) break; // another attempt
        this.#begun = true;
        yield { type: 'start', messageId: this.id };
        yield { type: 'start-step' };
        break;
      case 'block_start':
        if (event.choice) break; // one answer is shown
        this.#blocks.set(event.block, { ...event, json: '' });
        if (event.kind === 'tool_call') yield { type: 'tool-input-start', toolCallId: this.#call(event), toolName: event.name ?? '', dynamic: true };
        else if (event.kind === 'reasoning') yield { type: 'reasoning-start', id: `${event.block}` };
        else if (event.kind === 'text' || event.kind === 'refusal') yield { type: 'text-start', id: `${event.block}` };
        break;
      case 'delta': {
        const block = this.#blocks.get(event.block);
        if (!block) break;
        if (event.citation?.url) yield { type: 'source-url', sourceId: event.id, url: event.citation.url, ...(event.citation.title ? { title: event.citation.title } : {}) };
        if (block.kind === 'tool_call') {
          block.json += event.text;
          yield { type: 'tool-input-delta', toolCallId: this.#call(block), inputTextDelta: event.text };
        } else if (block.kind === 'image') {
          block.json += event.text;
        } else if (block.kind === 'reasoning') {
          yield { type: 'reasoning-delta', id: `${event.block}`, delta: event.text };
        } else if (block.kind === 'text' || block.kind === 'refusal') {
          yield { type: 'text-delta', id: `${event.block}`, delta: event.text };
        }
        break;
      }
      case 'block_stop': {
        const block = this.#blocks.get(event.block);
        if (block) yield* this.#end(block);
        break;
      }
      case 'reset':
        for (const block of [...this.#blocks.values()]) if (block.kind === 'text' || block.kind === 'reasoning') yield* this.#end(block);
        this.#blocks.clear();
        break;
      case 'finished':
        yield { type: 'finish-step' };
        yield { type: 'finish', finishReason: reasons[event.reason] };
        break;
      case 'stopped':
        yield { type: 'abort', reason: event.reason };
        break;
      case 'failed':
      case 'interrupted':
        yield { type: 'error', errorText: event.error.message };
        break;
    }
  }

  *#end(block: BlockStart & { json: string }): Generator<UIMessageChunk, void, void> {
    this.#blocks.delete(block.block);
    if (block.kind === 'tool_call') yield this.#input(block);
    else if (block.kind === 'image') yield { type: 'file', mediaType: block.name ?? 'image/png', url: `data:${block.name ?? 'image/png'};base64,${block.json}` };
    else if (block.kind === 'reasoning') yield { type: 'reasoning-end', id: `${block.block}` };
    else if (block.kind === 'text' || block.kind === 'refusal') yield { type: 'text-end', id: `${block.block}` };
  }

  #input(block: BlockStart & { json: string }): UIMessageChunk {
    const call = { toolCallId: this.#call(block), toolName: block.name ?? '', dynamic: true };
    try {
      return { type: 'tool-input-available', ...call, input: JSON.parse(block.json || '{}') as unknown };
    } catch {
      return { type: 'tool-input-error', ...call, input: block.json, errorText: 'The model wrote arguments that are no JSON.' };
    }
  }

  #call(block: BlockStart): string {
    return block.callId ?? `${this.id}.${block.block}`;
  }
}

const reasons = { stop: 'stop', length: 'length', tool_calls: 'tool-calls', content_filter: 'content-filter', other: 'other' } as const;

interface ToolPart {
  type: string;
  toolName?: string;
  toolCallId: string;
  state: string;
  input?: unknown;
  output?: unknown;
  errorText?: string;
}

/** A message as Chat Completions has it, and what its tools answered. */
function toRequest({ role, parts }: UIMessage): object[] {
  const text = parts.map(part => (part.type === 'text' ? part.text : '')).join('');
  const images = parts.flatMap(part => (part.type === 'file' && part.mediaType.startsWith('image/') ? [{ type: 'image_url', image_url: { url: part.url } }] : []));
  const calls = parts.filter(part => part.type === 'dynamic-tool' || part.type.startsWith('tool-')).map(part => part as unknown as ToolPart).filter(call => call.state !== 'input-streaming');
  const message: Record<string, unknown> = { role, content: role === 'user' && images.length > 0 ? [...(text ? [{ type: 'text', text }] : []), ...images] : text };
  if (calls.length === 0) return [message];
  message.tool_calls = calls.map(call => ({ id: call.toolCallId, type: 'function', function: { name: call.toolName ?? call.type.slice('tool-'.length), arguments: JSON.stringify(call.input ?? {}) } }));
  const answers = calls.filter(call => call.state.startsWith('output-')).map(call => ({
    role: 'tool', tool_call_id: call.toolCallId,
    content: call.errorText ?? (typeof call.output === 'string' ? call.output : JSON.stringify(call.output ?? null)),
  }));
  return [message, ...answers];
}
