import type { Snapshot } from './client.js';
import { PenstockError } from './errors.js';
import { isEnding, type BlockKind, type FinishReason, type PenstockEvent, type Usage } from './events.js';

/** A part of an answer: text, reasoning, a tool call, a refusal. */
export interface Block {
  readonly block: number;
  readonly kind: BlockKind;
  readonly choice: number;
  /** A tool call's own id. */
  readonly callId?: string;
  readonly name?: string;
  /** The label of the server whose tool it is, where the server makes the call. */
  readonly server?: string;
  /** The block of the call, of a tool's result. */
  readonly call?: number;
  readonly isError?: boolean;
  /** Of a call that the server makes: the tool was begun. */
  readonly run?: boolean;
  /** Of a call that waits, or waited, for a person. */
  readonly approval?: 'asked' | 'approved' | 'denied';
  /** A tool call's is JSON, whole once `done`. */
  readonly text: string;
  /** A provider's seal on reasoning, to be sent back with the next turn. */
  readonly signature?: string;
  readonly done: boolean;
}

/** How a generation ended. */
export interface Result {
  readonly id: string;
  /** The first answer's text. */
  readonly text: string;
  readonly blocks: readonly Block[];
  readonly usage: Usage | undefined;
  readonly finish: FinishReason | 'stopped' | 'error';
  /** Why, where `finish` is `error`. */
  readonly error: PenstockError | undefined;
}

/** What events add up to. */
export class Fold {
  offset = -1;
  model: string | undefined;
  blocks: readonly Block[] = [];
  usage: Usage | undefined;
  finish: Result['finish'] | undefined;
  error: PenstockError | undefined;

  get text(): string {
    return this.textOf('text');
  }

  textOf(kind: BlockKind): string {
    return this.blocks.filter(b => b.kind === kind && b.choice === 0).map(b => b.text).join('');
  }

  apply(event: PenstockEvent): void {
    if (event.offset <= this.offset) return;
    this.offset = event.offset;
    switch (event.type) {
      case 'started':
        this.model = event.model;
        break;
      case 'block_start':
        this.blocks = [...this.blocks, {
          block: event.block, kind: event.kind, choice: event.choice ?? 0, text: '', done: false,
          ...(event.callId === undefined ? {} : { callId: event.callId }),
          ...(event.name === undefined ? {} : { name: event.name }),
          ...(event.server === undefined ? {} : { server: event.server }),
          ...(event.call === undefined ? {} : { call: event.call }),
          ...(event.isError === undefined ? {} : { isError: event.isError }),
        }];
        break;
      case 'delta':
        this.#change(event.block, b => ({ ...b, text: b.text + event.text, ...(event.signature === undefined ? {} : { signature: (b.signature ?? '') + event.signature }) }));
        break;
      case 'block_stop':
        this.#change(event.block, b => ({ ...b, done: true }));
        break;
      case 'tool_run':
        this.#change(event.block, b => ({ ...b, run: true }));
        break;
      case 'approval':
        this.#change(event.block, b => ({ ...b, approval: event.state }));
        break;
      case 'usage': {
        const { type, id, offset, at, received, replay, ...usage } = event;
        this.usage = usage;
        break;
      }
      case 'reset':
        this.blocks = [];
        this.usage = undefined;
        break;
    }
    if (!isEnding(event)) return;
    this.finish = event.type === 'finished' ? event.reason : event.type === 'stopped' ? 'stopped' : 'error';
    if ('error' in event) this.error = new PenstockError(event.error);
  }

  /** Begins with what a snapshot says, in place of the events up to its offset. */
  restore({ offset, model, blocks, usage, status, finishReason, error }: Snapshot): void {
    this.offset = offset;
    this.model = model;
    this.blocks = blocks.map(({ id, open, choice = 0, ...block }) => ({ ...block, choice, done: !open, ...(id === undefined ? {} : { callId: id }) }));
    this.usage = usage ?? undefined;
    if (status === 'queued' || status === 'running') return;
    this.finish = status === 'finished' ? finishReason ?? 'other' : status === 'stopped' ? 'stopped' : 'error';
    if (error) this.error = new PenstockError(error);
  }

  result(id: string): Result {
    return { id, text: this.text, blocks: this.blocks, usage: this.usage, finish: this.finish!, error: this.error };
  }

  #change(number: number, change: (block: Block) => Block): void {
    this.blocks = this.blocks.map(b => (b.block === number ? change(b) : b));
  }
}
