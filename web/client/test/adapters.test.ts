import type { AppendMessage } from '@assistant-ui/react';
import { readUIMessageStream, type UIMessage, type UIMessageChunk } from 'ai';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { PenstockChatTransport } from '../src/adapters/ai-sdk.js';
import { toExternalStore } from '../src/adapters/assistant-ui.js';
import { createClient } from '../src/index.js';
import type { ChatMessage, UseChat } from '../src/react/index.js';
import { Server, until } from './server.js';

let server: Server;
beforeAll(async () => { server = await Server.start({ 'Storage:Kind': 'memory', 'Retry:MaxRetries': '0' }); });
afterAll(() => server.dispose());

const client = () => createClient({ baseUrl: server.url });
const user = (text: string): UIMessage => ({ id: 'u1', role: 'user', parts: [{ type: 'text', text }] });
const weather = { type: 'function', function: { name: 'get_weather', parameters: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] } } };

class Kept implements Storage {
  #items = new Map<string, string>();
  [name: string]: unknown;
  get length() { return this.#items.size; }
  clear() { this.#items.clear(); }
  getItem(key: string) { return this.#items.get(key) ?? null; }
  key(n: number) { return [...this.#items.keys()][n] ?? null; }
  removeItem(key: string) { this.#items.delete(key); }
  setItem(key: string, value: string) { this.#items.set(key, value); }
}

function send(transport: PenstockChatTransport, messages: UIMessage[], abortSignal?: AbortSignal) {
  return transport.sendMessages({ trigger: 'submit-message', chatId: 'c1', messageId: undefined, messages, abortSignal });
}

async function last(stream: ReadableStream<UIMessageChunk>): Promise<UIMessage> {
  let message: UIMessage | undefined;
  for await (const now of readUIMessageStream({ stream })) message = now;
  return message!;
}

const textOf = (message: UIMessage) => message.parts.map(p => (p.type === 'text' ? p.text : '')).join('');

test('the AI SDK reads text and reasoning as parts', async () => {
  const transport = new PenstockChatTransport({ client: client(), request: { model: 'simulated/reasoner?tps=0&ttft=0&tokens=30' }, storage: null });
  const message = await last(await send(transport, [user('Hi')]));
  expect(message.parts.map(p => p.type)).toEqual(['step-start', 'reasoning', 'text']);
  expect(textOf(message)).toBe((await client().get(message.id)).text);
});

test('the AI SDK gets a tool call, and its result goes back', async () => {
  const transport = new PenstockChatTransport({ client: client(), request: { model: 'simulated/chat?tps=0&ttft=0', tools: [weather] }, storage: null });
  const asked = await last(await send(transport, [user('Use get_weather for Paris')]));
  const call = asked.parts.find(p => p.type === 'dynamic-tool')!;
  expect(call).toMatchObject({ type: 'dynamic-tool', toolName: 'get_weather', state: 'input-available' });
  const answered = { ...asked, parts: asked.parts.map(p => (p === call ? { ...call, state: 'output-available', output: { degrees: 21 } } : p)) } as UIMessage;
  const message = await last(await send(transport, [user('Use get_weather for Paris'), answered]));
  expect(textOf(message)).not.toBe('');
});

test('the AI SDK picks a running answer up after a reload, and its stop stops on the server', async () => {
  const storage = new Kept();
  const request = { model: 'simulated/chat?tps=40&tokens=400&ttft=0' };
  const stop = new AbortController();
  const first = await send(new PenstockChatTransport({ client: client(), request, storage }), [user('Hi')], stop.signal);
  const reader = first.getReader();
  for (let n = 0; n < 10; n++) await reader.read();
  await reader.cancel(); // the page is gone
  const again = await new PenstockChatTransport({ client: client(), request, storage }).reconnectToStream({ chatId: 'c1' });
  const message = last(again!);
  const id = JSON.parse(storage.getItem('penstock:ai:c1')!) as string;
  await until('it goes on', async () => (await client().get(id)).offset > 40);
  stop.abort();
  await until('it is stopped', async () => (await client().get(id)).status === 'stopped');
  expect(textOf(await message)).toBe((await client().get(id)).text);
  expect(await new PenstockChatTransport({ client: client(), storage }).reconnectToStream({ chatId: 'c1' })).toBeNull();
});

test('the AI SDK hears of a failure', async () => {
  const transport = new PenstockChatTransport({ client: client(), request: { model: 'simulated/chat?status=429' }, storage: null });
  const chunks: UIMessageChunk[] = [];
  for await (const chunk of await send(transport, [user('Hi')]) as unknown as AsyncIterable<UIMessageChunk>) chunks.push(chunk);
  expect(chunks).toEqual([{ type: 'error', errorText: expect.stringContaining('limit') }]);
});

test('assistant-ui gets the messages as it has them, and its actions reach the chat', async () => {
  const calls: unknown[] = [];
  const messages: ChatMessage[] = [
    { id: '1', role: 'user', content: [{ type: 'text', text: 'What is this?' }, { type: 'image_url', image_url: { url: 'data:image/png;base64,AA==' } }] },
    { id: '2', role: 'assistant', content: 'A dot.', reasoning: 'I look.', toolCalls: [{ id: 'c', name: 'zoom', arguments: '{"by":2}' }] },
    { id: '3', role: 'tool', content: 'zoomed', toolCallId: 'c' },
    { id: '4', role: 'assistant', content: 'It', status: 'streaming' },
  ];
  const chat: UseChat = {
    messages, status: 'streaming', error: undefined, id: 'gen_a', stats: { ttft: undefined, tokens: 0, rate: undefined, reconnects: 0 },
    send: m => calls.push(['send', m]), stop: async () => { calls.push(['stop']); }, retry: () => calls.push(['retry']), setMessages: m => calls.push(['set', m.map(x => x.id)]),
  };
  const store = toExternalStore(chat);
  expect(store.isRunning).toBe(true);
  expect(store.messages!.map((m, n) => store.convertMessage!(m, n))).toEqual([
    { id: '1', role: 'user', content: [{ type: 'text', text: 'What is this?' }, { type: 'image', image: 'data:image/png;base64,AA==' }] },
    {
      id: '2', role: 'assistant', status: { type: 'complete', reason: 'stop' },
      content: [{ type: 'reasoning', text: 'I look.' }, { type: 'text', text: 'A dot.' }, { type: 'tool-call', toolCallId: 'c', toolName: 'zoom', argsText: '{"by":2}' }],
    },
    { id: '4', role: 'assistant', status: { type: 'running' }, content: [{ type: 'text', text: 'It' }] },
  ]);
  const said = (text: string, parentId: string | null) => ({ content: [{ type: 'text', text }], attachments: [], parentId }) as unknown as AppendMessage;
  await store.onNew(said('More', '4'));
  await store.onEdit!(said('Other', '2'));
  await store.onCancel!();
  await store.onReload!(null, {} as never);
  expect(calls).toEqual([
    ['send', { role: 'user', content: 'More' }], ['set', ['1', '2']], ['send', { role: 'user', content: 'Other' }], ['stop'], ['retry'],
  ]);
});
