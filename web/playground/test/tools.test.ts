import { once } from 'node:events';
import { createServer, type Server as HttpServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ask, choose, ended, lastAnswer, Playground, said } from './playground.js';
import { Upstream } from './upstream.js';

let tools: HttpServer;
let upstream: Upstream;
let playground: Playground;
const written: unknown[] = [];

beforeAll(async () => {
  // An MCP server, as small as one can be.
  tools = createServer((request, response) => void (async () => {
    if (request.method !== 'POST') return response.writeHead(405).end();
    const body: Buffer[] = [];
    for await (const piece of request) body.push(piece as Buffer);
    const { id, method, params } = JSON.parse(Buffer.concat(body).toString()) as { id?: number; method: string; params: { protocolVersion?: string; arguments?: unknown } };
    if (id === undefined) return response.writeHead(202).end();
    if (method === 'tools/call') written.push(params.arguments);
    const result = method === 'initialize' ? { protocolVersion: params.protocolVersion, capabilities: { tools: {} }, serverInfo: { name: 'files', version: '1' } }
      : method === 'tools/list' ? { tools: [{ name: 'write_file', description: 'Writes a file.', inputSchema: { type: 'object', properties: { path: { type: 'string' } } } }] }
      : method === 'tools/call' ? { content: [{ type: 'text', text: 'Written, 5 bytes.' }] } : undefined;
    response.writeHead(200, { 'Content-Type': 'application/json' }).end(JSON.stringify({ jsonrpc: '2.0', id, ...(result ? { result } : { error: { code: -32601, message: 'Method not found' } }) }));
  })());
  tools.listen(0, '127.0.0.1');
  await once(tools, 'listening');
  upstream = await Upstream.start({
    writer: call => (call.request.messages.some(message => message.role === 'tool') ? { text: 'So it was.' } : { text: 'I write it down.', tool: { name: 'write_file', arguments: '{"path":"a.txt"}' } }),
  });
  playground = await Playground.open({
    'Storage:Kind': 'memory', ...upstream.settings,
    'Mcp:Servers:files:Url': `http://127.0.0.1:${(tools.address() as AddressInfo).port}/`, 'Mcp:Servers:files:Models:0': '*', 'Mcp:Servers:files:Approval:0': 'write_file',
  });
});
afterAll(async () => {
  await playground?.dispose();
  upstream?.dispose();
  tools?.closeAllConnections();
  tools?.close();
});

test('a tool of the server’s waits for a person, after a reload too, and its result is folded', async () => {
  const page = await playground.show();
  await choose(page, 'script/writer');
  await ask(page, 'Write it down.');
  await page.getByRole('button', { name: 'Allow' }).waitFor();
  await page.reload();
  await lastAnswer(page).locator('.state', { hasText: 'waits for your word' }).waitFor();
  expect(written).toEqual([]);
  await page.getByRole('button', { name: 'Allow' }).click();
  await ended(lastAnswer(page));
  expect(written).toEqual([{ path: 'a.txt' }]);
  expect(await said(lastAnswer(page))).toBe('I write it down.So it was.');
  await lastAnswer(page).locator('.tool-result summary').click();
  expect(await lastAnswer(page).locator('.tool-result pre').textContent()).toBe('Written, 5 bytes.');
  expect(await page.getByRole('button', { name: 'Allow' }).count()).toBe(0);

  await ask(page, 'And once more.');
  await page.getByRole('button', { name: 'Deny' }).click();
  await ended(lastAnswer(page));
  await lastAnswer(page).locator('.state', { hasText: 'denied' }).waitFor();
  expect(written).toHaveLength(1);
  playground.expectNothingBad();
});
