// What the browser tests look at. The address says what to show: ?server=…&show=chat|auto|plain|attach|toggle|ai|ui|assistant&strict=1&model=…
import { useChat as useAiChat } from '@ai-sdk/react';
import { AssistantRuntimeProvider, ThreadPrimitive, MessagePrimitive, useExternalStoreRuntime } from '@assistant-ui/react';
import { StrictMode, useEffect, useState } from 'react';
import { DefaultChatTransport } from 'ai';
import { createRoot } from 'react-dom/client';
import { PenstockChatTransport } from '../../src/adapters/ai-sdk.js';
import { toExternalStore } from '../../src/adapters/assistant-ui.js';
import { createClient } from '../../src/index.js';
import { useChat, useSSEStream, useStream } from '../../src/react/index.js';
import { sharedConnection } from '../../src/shared/index.js';

const query = new URLSearchParams(location.search);
const server = query.get('server')!;
const model = query.get('model') ?? 'simulated/chat?tokens=200&tps=40&ttft=50';
const client = createClient({ baseUrl: server, ...(query.has('shared') ? { connection: sharedConnection() } : {}) });
const seen = { renders: 0, texts: [] as string[], states: [] as string[] };
Object.assign(window, { seen });

function note(text: string, status: string) {
  seen.renders++;
  if (seen.texts.at(-1) !== text) seen.texts.push(text);
  if (seen.states.at(-1) !== status) seen.states.push(status);
}

function Chat() {
  const chat = useChat({ client, request: { model } });
  const answer = chat.messages.at(-1);
  note(answer?.role === 'assistant' ? String(answer.content) : '', chat.status);
  return <>
    <button id="send" onClick={() => chat.send('Tell me about rivers.')}>Send</button>
    <button id="stop" onClick={() => void chat.stop()}>Stop</button>
    <button id="retry" onClick={() => chat.retry()}>Retry</button>
    <output id="status">{chat.status}</output>
    <output id="id">{chat.id}</output>
    <output id="stats">{JSON.stringify(chat.stats)}</output>
    {chat.messages.map(m => <p key={m.id} className={m.role} data-status={m.status}>{String(m.content)}</p>)}
  </>;
}

function Stream({ id }: { id?: string }) {
  const run = useStream({ client, ...(id === undefined ? {} : { id }) });
  const { start } = run;
  useEffect(() => { if (id === undefined) start({ model, prompt: 'rivers' }, { idempotencyKey: query.get('key')! }); }, [id, start]);
  note(run.text, run.status);
  return <><output id="status">{run.status}</output><output id="id">{run.id}</output><p id="text">{run.text}</p></>;
}

function Plain() {
  const { content, isDone, error } = useSSEStream(`${server}/chat/stream?prompt=rivers&model=${encodeURIComponent(model)}`);
  note(content, isDone ? 'done' : 'streaming');
  return <><output id="status">{error ? error.message : isDone ? 'done' : 'streaming'}</output><p id="text">{content}</p></>;
}

function Toggle() {
  const [shown, show] = useState(true);
  return <><button id="toggle" onClick={() => show(!shown)}>Toggle</button>{shown && <Stream />}</>;
}

const transport = new PenstockChatTransport({ client, request: { model } });

function Ai() {
  const { messages, status, sendMessage, stop } = useAiChat({ id: 'ai', transport, resume: true });
  return <>
    <button id="send" onClick={() => void sendMessage({ text: 'Tell me about rivers.' })}>Send</button>
    <button id="stop" onClick={() => void stop()}>Stop</button>
    <output id="status">{status}</output>
    {messages.map(m => <p key={m.id} id={m.role === 'assistant' ? m.id : undefined} className={m.role}>{m.parts.map(p => (p.type === 'text' ? p.text : ''))}</p>)}
  </>;
}

const weather = { type: 'function', function: { name: 'get_weather', parameters: { type: 'object', properties: { city: { type: 'string' } } } } };
const unmodified = new DefaultChatTransport({ api: `${server}/api/chat`, body: { model, tools: [weather] } });

// useChat as its documentation has it: nothing here is ours.
function Ui() {
  const { messages, status, error, sendMessage, stop } = useAiChat({ id: query.get('id') ?? 'ui', transport: unmodified, resume: true });
  return <>
    <button id="send" onClick={() => void sendMessage({ text: query.get('prompt') ?? 'Tell me about rivers.' })}>Send</button>
    <button id="stop" onClick={() => void stop()}>Stop</button>
    <output id="status">{status}</output><output id="error">{error?.message}</output>
    {messages.map(m => <div key={m.id} id={m.role === 'assistant' ? m.id : undefined} className={m.role}>{m.parts.map((p, n) =>
      p.type === 'text' ? <span key={n}>{p.text}</span>
      : p.type === 'tool-get_weather' ? <code key={n} data-state={p.state}>{JSON.stringify(p.input)}</code> : null)}</div>)}
  </>;
}

const parts = { UserMessage: () => <p className="user"><MessagePrimitive.Parts /></p>, AssistantMessage: () => <div className="assistant"><MessagePrimitive.Parts /></div> };

function Assistant() {
  const chat = useChat({ client, request: { model } });
  const runtime = useExternalStoreRuntime(toExternalStore(chat));
  return <AssistantRuntimeProvider runtime={runtime}>
    <button id="send" onClick={() => runtime.thread.append('Tell me about rivers.')}>Send</button>
    <button id="stop" onClick={() => runtime.thread.cancelRun()}>Stop</button>
    <output id="status">{chat.status}</output><output id="id">{chat.id}</output>
    <ThreadPrimitive.Messages components={parts} />
  </AssistantRuntimeProvider>;
}

const shows: Record<string, React.ReactNode> = {
  chat: <Chat />, auto: <Stream />, plain: <Plain />, toggle: <Toggle />, ai: <Ai />, ui: <Ui />, assistant: <Assistant />, attach: <Stream id={query.get('id') ?? ''} />,
};
const page = shows[query.get('show')!];
createRoot(document.getElementById('root')!).render(query.has('strict') ? <StrictMode>{page}</StrictMode> : page);
