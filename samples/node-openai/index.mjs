// The official SDK of OpenAI, with answers that go on where they were cut: node index.mjs [PROMPT]
// Restart the server while it writes.
import OpenAI from 'openai';
import { resuming } from './resuming-fetch.mjs';

const openai = new OpenAI({
  baseURL: `${process.env.PENSTOCK_SERVER ?? 'http://localhost:8000'}/v1`,
  apiKey: process.env.PENSTOCK_KEY ?? 'none',
  fetch: resuming(),
});
const stream = await openai.chat.completions.create({
  model: process.env.MODEL ?? 'simulated/chat',
  stream: true,
  messages: [{ role: 'user', content: process.argv[2] ?? 'Tell me about rivers.' }],
});
for await (const chunk of stream) process.stdout.write(chunk.choices[0]?.delta?.content ?? '');
