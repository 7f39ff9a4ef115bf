import { isEnding, offsetOf, readEvent, type BlockKind, type FinishReason, type PenstockEvent, type Usage, type WireError } from './events.js';
import { newKey } from './key.js';
import { ask, readStream, sender, type RequestOptions, type Send } from './request.js';
import { Run, type AttachOptions, type Connection, type FollowOptions } from './run.js';

/** What to generate: a Chat Completions body, with `prompt` in place of `messages` where you like. */
export interface GenerationRequest {
  model?: string;
  prompt?: string;
  messages?: readonly object[];
  /** What happens once nobody watches: `detach` without it. */
  onDisconnect?: 'detach' | 'cancel' | 'grace' | `grace ${number}`;
  [field: string]: unknown;
}

export interface StartOptions extends FollowOptions {
  /** The same key and request give the same generation, however often they are sent. One is made up without it. */
  idempotencyKey?: string;
}

/** A generation as it stands. */
export interface Snapshot {
  readonly id: string;
  readonly status: 'queued' | 'running' | 'finished' | 'stopped' | 'failed' | 'interrupted';
  readonly model: string;
  readonly createdAt: string;
  /** When its last event was stored. */
  readonly updatedAt?: string;
  readonly text: string;
  /** `id` is a tool call's own; `open` has not ended, or was cut. */
  readonly blocks: readonly { readonly block: number; readonly kind: BlockKind; readonly choice?: number; readonly id?: string; readonly name?: string; readonly server?: string; readonly call?: number; readonly isError?: boolean; readonly run?: boolean; readonly approval?: 'asked' | 'approved' | 'denied'; readonly text: string; readonly signature?: string; readonly open?: boolean }[];
  readonly usage: Usage | null;
  readonly finishReason?: FinishReason;
  readonly error?: WireError;
  /** The last event in it. */
  readonly offset: number;
  /** Who reads it now, where it was asked for: the last event that each was given, and how many it lacks. */
  readonly watchers?: readonly { readonly offset: number; readonly lag: number }[];
  /** Whose it is, for an operator. */
  readonly owner?: string;
  readonly [member: string]: unknown;
}

export interface Model {
  /** `provider/model`, or an alias. */
  readonly id: string;
  readonly owned_by: string;
}

export interface ClientOptions extends RequestOptions {
  /** In place of a connection for each reader: see `penstock/shared`. */
  connection?: (send: Send) => Connection;
}

export interface Client {
  /** Starts a generation, which goes on whatever becomes of this client. Safe against a cut: it is started once. */
  start(request: GenerationRequest, options?: StartOptions): Promise<Run>;
  /** The same for a plain prompt. */
  stream(prompt: string, options?: StartOptions & { model?: string }): Promise<Run>;
  /** Goes on with a generation that runs, or reads one that has ended. */
  attach(id: string, options?: AttachOptions): Run;
  /** What there is of a generation; with `watchers`, who reads it too. */
  get(id: string, options?: { watchers?: boolean; signal?: AbortSignal }): Promise<Snapshot>;
  /** Ends a generation, for all who watch it. */
  stop(id: string): Promise<Snapshot>;
  /** A person's word on a call that waits for one, by the number of its block: it runs, or the model is told that it may not. */
  approve(id: string, block: number, approve: boolean): Promise<unknown>;
  /** My generations, the newest first. */
  list(options?: { status?: Snapshot['status']; limit?: number; watchers?: boolean; signal?: AbortSignal }): Promise<Snapshot[]>;
  /** What may be asked for; other models of a provider work too. */
  models(options?: { signal?: AbortSignal }): Promise<Model[]>;
}

export function createClient(options: ClientOptions = {}): Client {
  const send = sender(options);
  const connection = options.connection?.(send) ?? { follow: (id: string, after: number, rest: FollowOptions) => follow(send, id, after, rest) };
  const server = { connection, stop: (id: string) => ask<Snapshot>(send, `${pathOf(id)}/stop`, { method: 'POST' }) };

  const client: Client = {
    async start(request, { idempotencyKey = newKey(), signal, ...rest } = {}) {
      const headers = { 'Content-Type': 'application/json', 'Idempotency-Key': idempotencyKey };
      // Not streamed: the id comes at once, so that nothing is lost from here on, and the generation can be stopped.
      const body = JSON.stringify({ ...request, stream: false });
      const { id } = await ask<Snapshot>(send, '/v1/generations', { method: 'POST', headers, body, signal });
      return client.attach(id, { signal, ...rest });
    },
    stream: (prompt, { model, ...rest } = {}) => client.start({ prompt, ...(model === undefined ? {} : { model }) }, rest),
    attach: (id, { after = -1, ...rest } = {}) => new Run(id, server, typeof after === 'string' ? offsetOf(after) : after, rest),
    get: (id, { watchers, ...init } = {}) => ask<Snapshot>(send, `${pathOf(id)}${watchers ? '?watchers=true' : ''}`, init),
    stop: server.stop,
    approve: (id, block, approve) => ask(send, `${pathOf(id)}/approvals/${block}`, { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify({ approve }) }),
    async list({ signal, ...query } = {}) {
      const given = Object.entries(query).map(([name, value]) => `${name}=${value}`).join('&');
      return (await ask<{ data: Snapshot[] }>(send, `/v1/generations?${given}`, { signal })).data;
    },
    models: async (init = {}) => (await ask<{ data: Model[] }>(send, '/v1/models', init)).data,
  };
  return client;
}

/** The events of a generation over a connection of their own. */
async function* follow(send: Send, id: string, after: number, options: FollowOptions): AsyncGenerator<PenstockEvent, void, void> {
  let at: number | undefined;
  for await (const { frames, reply } of readStream(send, () => `${pathOf(id)}/events?after=${after}`, options)) {
    const head = Number(reply.headers.get('Penstock-Offset') ?? -1);
    for (const frame of frames) {
      // An ending that the log could not take has no id, and stands behind all others.
      const event = readEvent(frame.id || `${id}.${after + 1}`, frame.data, head, at);
      if (event.offset <= after) continue;
      ({ offset: after, at } = event);
      yield event;
      if (isEnding(event)) return;
    }
  }
}

function pathOf(id: string): string {
  return `/v1/generations/${encodeURIComponent(id)}`;
}
