import { useEffect, useMemo, useState, useSyncExternalStore } from 'react';
import { createClient, type Client, type GenerationRequest } from '../client.js';
import { ChatStore, type ChatMessage, type ChatState } from './chat-store.js';
import { PlainStore, type PlainState } from './plain-store.js';
import { RunStore, type StreamState } from './run-store.js';
import type { Batch, Store } from './store.js';

export type { ChatMessage, ChatState, ToolCall } from './chat-store.js';
export type { PlainState } from './plain-store.js';
export { RunStore, type Stats, type Status, type StoreOptions, type StreamState } from './run-store.js';
export type { Batch } from './store.js';

export interface HookOptions {
  /** The page's own origin without it. Made once, outside of the component. */
  client?: Client;
  /** Tells this one from others of the page, after a reload too. */
  name?: string;
  /** Where it is kept over a reload: `sessionStorage` without it; `localStorage` to pick it up in another tab; `null` for nowhere. */
  storage?: Storage | null;
  /** Renders once a frame without it. */
  batch?: Batch;
}

export interface UseStream extends StreamState, Pick<RunStore, 'start' | 'stop' | 'retry'> {}

export interface UseChat extends ChatState, Pick<ChatStore, 'send' | 'stop' | 'retry' | 'setMessages'> {}

let own: Client | undefined;
const nothing: readonly ChatMessage[] = [];

/** One generation: `start` it, or follow the one that `id` names. After a reload it is picked up where it runs. */
export function useStream({ id, client = (own ??= createClient()), name = 'stream', storage, batch = 'frame' }: HookOptions & { id?: string } = {}): UseStream {
  const store = useMemo(() => new RunStore({ client, name, storage, batch }), [client, name, storage, batch]);
  const state = useStore(store);
  useEffect(() => { if (id !== undefined) store.attach(id); }, [store, id]);
  const { start, stop, retry } = store;
  return { ...state, start, stop, retry };
}

/** One generation whose store was made outside of components, for an application that follows it wherever the person looks. */
export function useRun(store: RunStore): UseStream {
  const { start, stop, retry } = store;
  return { ...useStore(store), start, stop, retry };
}

/** A conversation. After a reload its messages are there, and the answer that was coming comes on. */
export function useChat({ request, initialMessages = nothing, client = (own ??= createClient()), name = 'chat', storage, batch = 'frame' }: HookOptions & {
  /** What goes with each request beside the messages: the model, its parameters, tools. */
  request?: GenerationRequest;
  initialMessages?: readonly ChatMessage[];
} = {}): UseChat {
  // Only the first render's messages count.
  const [initial] = useState(initialMessages);
  const store = useMemo(() => new ChatStore({ client, name, storage, batch, initialMessages: initial }), [client, name, storage, batch, initial]);
  const state = useStore(store);
  useEffect(() => { store.request = request ?? {}; });
  const { send, stop, retry, setMessages } = store;
  return { ...state, send, stop, retry, setMessages };
}

/** A plain endpoint that streams text, `/chat/stream?prompt=…` for instance; `null` asks for nothing yet. `init` is read once for each address. */
export function useSSEStream(url: string | URL | null, { init, batch = 'frame' }: { init?: RequestInit; batch?: Batch } = {}): PlainState {
  const address = url === null ? null : String(url);
  const store = useMemo(() => new PlainStore(address, init ?? {}, batch), [address, batch]);
  return useStore(store);
}

function useStore<S>(store: Store<S>): S {
  return useSyncExternalStore(store.subscribe, store.getSnapshot, store.getSnapshot);
}
