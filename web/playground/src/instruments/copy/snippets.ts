import type { GenerationRequest } from 'penstock';

export interface Snippet {
  readonly name: string;
  readonly language: string;
  /** What becomes of a cut. */
  readonly resume: string;
  readonly code: string;
}

/** The same request from elsewhere, and how each goes on after a cut. */
export function snippetsFor(request: GenerationRequest, base: string, needsKey: boolean): Snippet[] {
  const { messages = [], model = '', ...rest } = request;
  const body = { model, messages, ...rest };
  const json = JSON.stringify({ ...body, stream: true }, null, 2);
  const indented = (value: unknown, by: number) => JSON.stringify(value, null, 2).replaceAll('\n', `\n${' '.repeat(by)}`);
  const last = messages.at(-1) as { content?: unknown } | undefined;
  const plain = messages.length === 1 && typeof last?.content === 'string' ? last.content : undefined;
  return [
    {
      name: 'curl', language: 'sh',
      resume: 'Each frame ends with its id. Send the last one that came, and what follows comes.',
      code: `# Ask
curl -N ${base}/v1/chat/completions \\
  -H 'Content-Type: application/json' -H 'Penstock-On-Disconnect: detach' \\${needsKey ? "\n  -H \"Authorization: Bearer $PENSTOCK_KEY\" \\" : ''}
  -d '${json.replaceAll("'", "'\\''")}'

# Go on after a cut, with the last id that came
curl -N -X POST ${base}/v1/chat/completions \\${needsKey ? "\n  -H \"Authorization: Bearer $PENSTOCK_KEY\" \\" : ''}
  -H "Last-Event-ID: $last_id"
`,
    },
    {
      name: 'Penstock (JS)', language: 'ts',
      resume: 'It goes on by itself, each token exactly once.',
      code: `import { createClient } from 'penstock';

const penstock = createClient({ baseUrl: '${base}'${needsKey ? ', headers: { Authorization: `Bearer ${process.env.PENSTOCK_KEY}` }' : ''} });
const run = await penstock.start(${indented(body, 0)});
for await (const event of run) if (event.type === 'delta') process.stdout.write(event.text);

// From anywhere else, at the very token: penstock.attach(run.id)
`,
    },
    {
      name: 'OpenAI (JS)', language: 'ts',
      resume: 'The SDK takes a cut for an error. The answer goes on at the server, and its id leads back to it.',
      code: `import OpenAI from 'openai';

const openai = new OpenAI({ baseURL: '${base}/v1', apiKey: ${needsKey ? 'process.env.PENSTOCK_KEY' : "'none'"} });
let id = '', text = '';
try {
  const stream = await openai.chat.completions.create(${indented({ ...body, stream: true }, 2)}, { headers: { 'Penstock-On-Disconnect': 'detach' } });
  for await (const chunk of stream) {
    id = chunk.id;
    text += chunk.choices[0]?.delta?.content ?? '';
  }
} catch (error) {
  if (!id) throw error;
  // To its end, and then the whole.
  const read = (path) => fetch(\`${base}/v1/generations/\${id}\${path}\`${needsKey ? ', { headers: { Authorization: `Bearer ${process.env.PENSTOCK_KEY}` } }' : ''});
  await (await read('/events')).text();
  text = (await (await read('')).json()).text;
}
console.log(text);
`,
    },
    {
      name: 'Penstock (.NET)', language: 'csharp',
      resume: 'It goes on by itself, each token exactly once; it is an IChatClient.',
      code: `using Microsoft.Extensions.AI;
using Penstock.Client;

using var penstock = new PenstockClient(new PenstockClientOptions { BaseAddress = new Uri("${base}")${needsKey ? ', ApiKey = Environment.GetEnvironmentVariable("PENSTOCK_KEY")' : ''} });
${conversation(messages, plain)}
await foreach (var update in penstock.AsChatClient().GetStreamingResponseAsync(${plain === undefined ? 'messages' : quoted(plain)}, new ChatOptions { ModelId = ${quoted(model)} }))
    Console.Write(update.Text);
`.replace('\n\nawait', '\nawait'),
    },
    {
      name: 'OpenAI (.NET)', language: 'csharp',
      resume: 'The SDK takes a cut for an error, and asks again. Take Penstock.Client to go on.',
      code: `using System.ClientModel;
using OpenAI;
using OpenAI.Chat;

var chat = new ChatClient(${quoted(model)}, new ApiKeyCredential(${needsKey ? 'Environment.GetEnvironmentVariable("PENSTOCK_KEY")!' : '"none"'}), new OpenAIClientOptions { Endpoint = new Uri("${base}/v1") });
await foreach (var update in chat.CompleteChatStreamingAsync(${plain === undefined ? `[${messages.map(m => openAi(m as Said)).join(', ')}]` : quoted(plain)}))
    foreach (var part in update.ContentUpdate) Console.Write(part.Text);
`,
    },
  ];
}

interface Said {
  readonly role: string;
  readonly content: unknown;
}

function textIn(content: unknown): string {
  return typeof content === 'string' ? content : Array.isArray(content) ? content.map((part: { text?: string }) => part.text ?? '').join('') : '';
}

function conversation(messages: readonly object[], plain: string | undefined): string {
  if (plain !== undefined) return '';
  return `ChatMessage[] messages =\n[\n${(messages as readonly Said[]).map(m => `    new(ChatRole.${({ system: 'System', user: 'User', assistant: 'Assistant', tool: 'Tool' } as Record<string, string>)[m.role] ?? 'User'}, ${quoted(textIn(m.content))}),`).join('\n')}\n];`;
}

function openAi({ role, content }: Said): string {
  return `new ${({ system: 'System', assistant: 'Assistant' } as Record<string, string>)[role] ?? 'User'}ChatMessage(${quoted(textIn(content))})`;
}

// JSON's escapes are C#'s, too.
function quoted(text: string): string {
  return JSON.stringify(text);
}
