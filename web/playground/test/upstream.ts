import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server as HttpServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Call {
  readonly request: { model: string; messages: { role: string; content: unknown }[]; [field: string]: unknown };
  /** The server has left before the end. */
  closed: boolean;
  said: number;
}

export interface Script {
  text?: string;
  reasoning?: string;
  tool?: { name: string; arguments: string };
  /** Characters in a chunk. */
  size?: number;
  /** Milliseconds between chunks. */
  pace?: number;
}

/** A provider at the wire that says what a test wants, by the name of the model. */
export class Upstream {
  readonly calls: Call[] = [];
  #http: HttpServer;

  private constructor(private readonly scripts: Record<string, Script | ((call: Call) => Script)>) {
    this.#http = createServer((request, response) => void this.#answer(request, response));
  }

  static async start(scripts: Record<string, Script | ((call: Call) => Script)>): Promise<Upstream> {
    const upstream = new Upstream(scripts);
    upstream.#http.listen(0, '127.0.0.1');
    await once(upstream.#http, 'listening');
    return upstream;
  }

  get settings(): Record<string, string> {
    return {
      'Providers:script:Protocol': 'chat-completions',
      'Providers:script:BaseUrl': `http://127.0.0.1:${(this.#http.address() as AddressInfo).port}/v1`,
      'Providers:script:ApiKey': 'none',
      ...Object.fromEntries(Object.keys(this.scripts).map((name, i) => [`Providers:script:Models:${i}`, name])),
    };
  }

  dispose(): void {
    this.#http.closeAllConnections();
    this.#http.close();
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body: Buffer[] = [];
    for await (const piece of request) body.push(piece as Buffer);
    const call: Call = { request: JSON.parse(Buffer.concat(body).toString()) as Call['request'], closed: false, said: 0 };
    this.calls.push(call);
    response.on('close', () => { call.closed = !response.writableFinished; });
    const script = this.scripts[call.request.model] ?? { text: `No script for ${call.request.model}.` };
    const { text = '', reasoning = '', tool, size = 6, pace = 5 } = typeof script === 'function' ? script(call) : script;
    response.writeHead(200, { 'Content-Type': 'text/event-stream' });
    const say = async (delta: object, finish: string | null = null) => {
      response.write(`data: ${JSON.stringify({ id: 'chatcmpl-1', object: 'chat.completion.chunk', created: 1, model: call.request.model, choices: [{ index: 0, delta, finish_reason: finish }] })}\n\n`);
      call.said++;
      if (pace > 0) await new Promise(next => setTimeout(next, pace));
    };
    await say({ role: 'assistant' });
    for (const piece of pieces(reasoning, size)) if (!response.destroyed) await say({ reasoning_content: piece });
    for (const piece of pieces(text, size)) if (!response.destroyed) await say({ content: piece });
    if (tool) {
      await say({ tool_calls: [{ index: 0, id: 'call_1', type: 'function', function: { name: tool.name, arguments: '' } }] });
      for (const piece of pieces(tool.arguments, size)) await say({ tool_calls: [{ index: 0, function: { arguments: piece } }] });
    }
    await say({}, tool ? 'tool_calls' : 'stop');
    response.end('data: [DONE]\n\n');
  }
}

function pieces(text: string, size: number): string[] {
  const found: string[] = [];
  const chars = [...text];
  for (let i = 0; i < chars.length; i += size) found.push(chars.slice(i, i + size).join(''));
  return found;
}
