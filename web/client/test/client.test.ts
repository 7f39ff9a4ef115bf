import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { PenstockError, createClient, isEnding, type Result } from '../src/index.js';
import { Server, until } from './server.js';

let server: Server;
beforeAll(async () => { server = await Server.start({ 'Storage:Kind': 'memory', 'Retry:MaxRetries': '0' }); });
afterAll(() => server.dispose());

const client = () => createClient({ baseUrl: server.url });
const quick = 'simulated/chat?tokens=20&tps=0&ttft=0';
const slow = 'simulated/chat?tokens=10000&tps=50&ttft=0';

test('events are typed, have ids and times, and add up to the result', async () => {
  const run = await client().start({ model: quick, messages: [{ role: 'user', content: 'Hi' }] });
  let text = '';
  const before = Date.now();
  for await (const event of run) {
    expect(event.id).toBe(`${run.id}.${event.offset}`);
    expect(event.received).toBeGreaterThanOrEqual(before);
    expect(event.at).toBeLessThanOrEqual(Date.now()); // the server's clock is this one
    if (event.type === 'delta') text += event.text;
  }
  const result = await run.done();
  expect(result).toMatchObject({ id: run.id, text, finish: 'stop', error: undefined });
  expect(result.usage?.outputTokens).toBe(20);
  expect(result.blocks).toHaveLength(1);
});

test('done() reads by itself, and goes on where a loop was left', async () => {
  expect((await (await client().stream('Hi', { model: quick })).done()).finish).toBe('stop');
  const run = await client().stream('Hi', { model: quick });
  for await (const event of run) if (event.type === 'delta') break;
  const result = await run.done();
  expect(result.text).toBe((await client().get(run.id)).text);
});

test('done() of a run that began in the middle has the whole answer', async () => {
  const { id } = await (await client().stream('Hi', { model: quick })).done();
  const run = client().attach(id, { after: `${id}.8` });
  const offsets: number[] = [];
  for await (const event of run) offsets.push(event.offset);
  expect(offsets[0]).toBe(9);
  expect((await run.done()).text).toBe((await client().get(id)).text);
  // And with nothing left to read.
  const { offset } = await client().get(id);
  const rest = client().attach(id, { after: offset });
  for await (const event of rest) expect.unreachable(event.type);
  expect((await rest.done()).finish).toBe('stop');
});

test('what was stored before is a replay, what comes is not', async () => {
  const run = await client().start({ model: 'simulated/chat?tokens=40&tps=40&ttft=0', prompt: 'Hi' });
  await until('half of it is there', async () => (await client().get(run.id)).offset > 15);
  const replays: boolean[] = [];
  for await (const event of run) replays.push(event.replay);
  const live = replays.indexOf(false);
  expect(live).toBeGreaterThan(12);
  expect(replays.slice(live)).not.toContain(true);
  expect(replays.length).toBeGreaterThan(live + 10);
});

test('reasoning and tool calls are blocks of their own', async () => {
  const parameters = { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] };
  const run = await client().start({
    model: 'simulated/reasoner?tps=0&ttft=0',
    messages: [{ role: 'user', content: 'Use get_weather for Paris' }],
    tools: [{ type: 'function', function: { name: 'get_weather', parameters } }],
  });
  const { blocks, finish } = await run.done();
  expect(finish).toBe('tool_calls');
  expect(blocks.map(b => b.kind)).toEqual(expect.arrayContaining(['reasoning', 'tool_call']));
  const call = blocks.find(b => b.kind === 'tool_call')!;
  expect(call.name).toBe('get_weather');
  expect(call.callId).toBeTruthy();
  expect(JSON.parse(call.text)).toHaveProperty('city');
  expect(call.done).toBe(true);
});

test('stop() ends it on the server, for all who watch', async () => {
  const run = await client().start({ model: slow, prompt: 'Hi' });
  const other = client().attach(run.id).done();
  for await (const event of run) if (event.type === 'delta') break;
  await run.stop();
  expect((await run.done()).finish).toBe('stopped');
  expect((await other).finish).toBe('stopped');
  await run.stop(); // once more changes nothing
});

test('an AbortSignal only detaches', async () => {
  const leave = new AbortController();
  const run = await client().start({ model: slow, prompt: 'Hi' }, { signal: leave.signal });
  await expect((async () => {
    for await (const event of run) if (event.type === 'delta') leave.abort();
  })()).rejects.toThrow(/abort/i);
  await expect(run.done()).rejects.toThrow(/abort/i);
  const { offset } = await client().get(run.id);
  await until('it goes on', async () => (await client().get(run.id)).offset > offset + 3);
  expect((await client().stop(run.id)).status).toBe('stopped');
});

test('the same key is the same generation, and another body an error that no retry mends', async () => {
  const first = await client().start({ model: quick, prompt: 'Hi' }, { idempotencyKey: 'k1' });
  expect((await client().start({ model: quick, prompt: 'Hi' }, { idempotencyKey: 'k1' })).id).toBe(first.id);
  const error = await failure(client().start({ model: quick, prompt: 'Ho' }, { idempotencyKey: 'k1' }));
  expect(error).toMatchObject({ code: 'idempotency_key_reused', status: 422, retryable: false });
});

test('errors say whether a retry can help', async () => {
  expect(await failure(client().start({ model: 'nobody/x', prompt: 'Hi' }))).toMatchObject({ status: 404, code: 'model_not_found', retryable: false });
  expect(await failure(client().start({ messages: [] }))).toMatchObject({ status: 400, code: 'empty_array', param: 'messages', retryable: false });
  expect(await failure(client().attach(`gen_${'0'.repeat(32)}`).done())).toMatchObject({ status: 404, code: 'generation_not_found', retryable: false });
  const limited: Result = await (await client().stream('Hi', { model: 'simulated/chat?status=429&retry_after=2' })).done();
  expect(limited).toMatchObject({ finish: 'error', error: { code: 'rate_limited', status: 429, retryable: true, retryAfter: 2000 } });
  const refused = await (await client().stream('Hi', { model: 'simulated/chat?status=401' })).done();
  expect(refused.error).toMatchObject({ code: 'provider_unauthorized', retryable: false });
  const cut = await (await client().stream('Hi', { model: `${quick}&cut=8` })).done();
  expect(cut.error).toMatchObject({ code: 'provider_disconnected', retryable: true });
  expect(cut.text).not.toBe('');
});

test('headers are asked for before each request', async () => {
  let asked = 0;
  const seen: (string | undefined)[] = [];
  const recorder = createServer((request, response) => {
    seen.push(request.headers.authorization);
    if (request.method === 'POST') response.writeHead(201, { 'Content-Type': 'application/json' }).end('{"id":"gen_a"}');
    else if (seen.length < 4) response.writeHead(200, { 'Content-Type': 'text/event-stream' }).end('retry: 1\n');
    else response.writeHead(200, { 'Content-Type': 'text/event-stream' }).end('event: stopped\ndata: {"type":"stopped","reason":"requested"}\nid: gen_a.0\n\n');
  });
  const url = await listen(recorder);
  const run = await createClient({ baseUrl: url, headers: async () => ({ Authorization: `Bearer ${++asked}` }) }).start({ prompt: 'Hi' });
  expect((await run.done()).finish).toBe('stopped');
  expect(seen).toEqual(['Bearer 1', 'Bearer 2', 'Bearer 3', 'Bearer 4']);
  recorder.close();
});

test('`retry:` is the least pause, a 5xx is tried again, a 4xx and another kind of reply are not', async () => {
  const times: number[] = [];
  const replies: ((response: ServerResponse) => void)[] = [
    r => r.writeHead(200, { 'Content-Type': 'text/event-stream' }).end('event: started\ndata: {"type":"started","model":"m"}\nid: gen_a.0\n\nretry: 400\n'),
    r => r.writeHead(502, { 'Content-Type': 'text/html' }).end('<h1>Bad gateway</h1>'),
    r => r.writeHead(200, { 'Content-Type': 'text/event-stream' }).end('event: started\ndata: {"type":"started","model":"m"}\nid: gen_a.0\n\nevent: finished\ndata: {"type":"finished","reason":"stop"}\nid: gen_a.7\n\n'),
    r => r.writeHead(403, { 'Content-Type': 'text/plain' }).end('no'),
    r => r.writeHead(200, { 'Content-Type': 'text/html' }).end('<html>'),
  ];
  const asked: string[] = [];
  const scripted = createServer((request: IncomingMessage, response) => { times.push(Date.now()); asked.push(request.url!); replies.shift()!(response); });
  const url = await listen(scripted);
  const ids: string[] = [];
  for await (const event of createClient({ baseUrl: url }).attach('gen_a')) ids.push(event.id);
  expect(ids).toEqual(['gen_a.0', 'gen_a.7']);
  expect(asked[1]).toBe('/v1/generations/gen_a/events?after=0');
  expect(times[1]! - times[0]!).toBeGreaterThanOrEqual(395);
  expect(await failure(createClient({ baseUrl: url }).attach('gen_a').done())).toMatchObject({ status: 403, code: 'http_403', retryable: false });
  expect(await failure(createClient({ baseUrl: url }).attach('gen_a').done())).toMatchObject({ code: 'not_an_event_stream', retryable: false });
  scripted.close();
});

test('an ending that the log could not take ends the run', async () => {
  const scripted = createServer((_, response) => response.writeHead(200, { 'Content-Type': 'text/event-stream' })
    .end('event: started\ndata: {"type":"started","model":"m"}\nid: gen_a.0\n\nevent: failed\ndata: {"type":"failed","error":{"code":"storage_full","message":"Full.","status":507}}\n\n'));
  const run = createClient({ baseUrl: await listen(scripted) }).attach('gen_a');
  const types: string[] = [];
  for await (const event of run) { types.push(event.type); expect(isEnding(event)).toBe(event.type === 'failed'); }
  expect(types).toEqual(['started', 'failed']);
  expect(await run.done()).toMatchObject({ finish: 'error', error: { code: 'storage_full', status: 507, retryable: false } });
  scripted.close();
});

async function failure(promise: Promise<unknown>): Promise<PenstockError> {
  const error = await promise.then(() => undefined, (e: unknown) => e);
  expect(error).toBeInstanceOf(PenstockError);
  return error as PenstockError;
}

async function listen(scripted: ReturnType<typeof createServer>): Promise<string> {
  scripted.listen(0, '127.0.0.1');
  await once(scripted, 'listening');
  return `http://127.0.0.1:${(scripted.address() as AddressInfo).port}`;
}
