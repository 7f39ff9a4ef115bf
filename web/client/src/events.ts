/** What every event has beside its own members. */
export interface EventBase {
  /** `<generation>.<offset>`: come back with it as `after`, and the events after this one follow. */
  readonly id: string;
  /** The event's place in its generation; grows, with gaps. */
  readonly offset: number;
  /** When the server wrote it into its log, in milliseconds since 1970 by the server's clock, to ten of them; undefined where that is not known. */
  readonly at: number | undefined;
  /** When this client received it, by its own clock. */
  readonly received: number;
  /** It was stored before this connection began, and more that was follows it. */
  readonly replay: boolean;
}

/** A `tool_call` is the client's to make; a `server_tool_call` the server makes itself, and its `tool_result` is a block of its own. */
export type BlockKind = 'text' | 'reasoning' | 'tool_call' | 'refusal' | 'image' | 'server_tool_call' | 'tool_result' | 'other';

export interface Usage {
  readonly inputTokens?: number;
  readonly outputTokens?: number;
  readonly totalTokens?: number;
  readonly cachedInputTokens?: number;
  readonly cacheWriteTokens?: number;
  readonly reasoningTokens?: number;
  /** Who counted: the provider, this server, or nobody to the end. */
  readonly source: 'provider' | 'estimated' | 'partial';
}

export interface Citation {
  readonly url?: string;
  readonly title?: string;
  readonly quote?: string;
  readonly start?: number;
  readonly end?: number;
}

/** An error as it stands on the wire. */
export interface WireError {
  readonly code: string | null;
  readonly message: string;
  readonly status?: number;
  readonly retryAfterMs?: number;
  readonly param?: string | null;
}

export type FinishReason = 'stop' | 'length' | 'tool_calls' | 'content_filter' | 'other';

export interface Started { readonly type: 'started'; readonly model: string }

export interface BlockStart {
  readonly type: 'block_start';
  readonly block: number;
  readonly kind: BlockKind;
  /** Which of several answers it belongs to, where that is not the first. */
  readonly choice?: number;
  /** A tool call's own id. */
  readonly callId?: string;
  /** A tool's name, or an image's media type. */
  readonly name?: string;
  /** The label of the server whose tool it is, of a call that the server makes and of its result. */
  readonly server?: string;
  /** The block of the call, of a tool's result. */
  readonly call?: number;
  /** It is a tool's result that says what went wrong. */
  readonly isError?: boolean;
}

export interface Delta {
  readonly type: 'delta';
  readonly block: number;
  readonly text: string;
  readonly signature?: string;
  readonly logprobs?: unknown;
  readonly citation?: Citation;
}

export interface BlockStop { readonly type: 'block_stop'; readonly block: number }

export interface UsageEvent extends Usage { readonly type: 'usage' }

/** Another try begins. After `reset` what was said so far is void. */
export interface Attempt { readonly type: 'attempt' | 'reset'; readonly attempt: number; readonly reason: string; readonly model?: string }

/** A step of the model has ended with calls that the server makes; the usage is that of all steps so far. */
export interface Step extends Usage { readonly type: 'step'; readonly step: number }

/** The tool that the call in `block` names begins to run. */
export interface ToolRun { readonly type: 'tool_run'; readonly block: number }

/** The call in `block` waits for a person, or was decided on. */
export interface Approval { readonly type: 'approval'; readonly block: number; readonly state: 'asked' | 'approved' | 'denied'; readonly callId?: string; readonly name?: string }

export interface Finished { readonly type: 'finished'; readonly reason: FinishReason; readonly reasons?: readonly FinishReason[] }

export interface Stopped { readonly type: 'stopped'; readonly reason: string }

export interface Failed { readonly type: 'failed' | 'interrupted'; readonly error: WireError }

/** One event of a generation. There will be more types and members: pass over what you do not know. */
export type PenstockEvent = EventBase & (Started | BlockStart | Delta | BlockStop | UsageEvent | Attempt | Step | ToolRun | Approval | Finished | Stopped | Failed);

const endings: ReadonlySet<string> = new Set(['finished', 'stopped', 'failed', 'interrupted']);

/** Whether it is the one event after which nothing follows. */
export function isEnding(event: { readonly type: string }): event is Finished | Stopped | Failed {
  return endings.has(event.type);
}

/** Reads an event from its frame; one that names no time has that of the one before it. */
export function readEvent(id: string, data: string, head: number, before?: number): PenstockEvent {
  const json = JSON.parse(data) as { id?: string };
  const offset = offsetOf(id);
  const callId = json.id === undefined ? {} : { callId: json.id };
  return { at: before, ...json, ...callId, id, offset, received: Date.now(), replay: offset < head } as PenstockEvent;
}

/** The offset in an event's id. */
export function offsetOf(id: string): number {
  return Number(id.slice(id.indexOf('.') + 1));
}
