// A server of the Model Context Protocol over HTTP, by its official SDK, whose tool waits until it is cancelled: PORT=1234 node mcp-waits.mjs NOTES
import { randomUUID } from 'node:crypto';
import { appendFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js';

const note = line => appendFileSync(process.argv[2], `${line}\n`);
const text = said => ({ content: [{ type: 'text', text: said }] });
const sessions = new Map();

const newServer = () => {
  const server = new McpServer({ name: 'waits', version: '1.0.0' });
  server.registerTool('say_hello', { description: 'Says hello.' }, () => text('hello'));
  server.registerTool('wait_long', { description: 'Waits for an hour, unless it is cancelled.' }, async ({ signal }) => {
    note('wait_long begun');
    await new Promise(resolve => {
      const timer = setTimeout(resolve, 3_600_000);
      signal.addEventListener('abort', () => {
        clearTimeout(timer);
        note('wait_long cancelled');
        resolve();
      });
    });
    return text('done');
  });
  return server;
};

createServer(async (request, response) => {
  let session = sessions.get(request.headers['mcp-session-id']);
  if (!session) {
    session = new StreamableHTTPServerTransport({ sessionIdGenerator: randomUUID, onsessioninitialized: id => void sessions.set(id, session) });
    await newServer().connect(session);
  }
  await session.handleRequest(request, response);
}).listen(process.env.PORT, '127.0.0.1');
