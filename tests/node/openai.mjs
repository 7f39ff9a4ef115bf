// The official SDK against a server: node openai.mjs SCENARIO SERVER MODEL. Prints what it got as JSON.
import OpenAI, { APIError } from 'openai';

const [scenario, server, model] = process.argv.slice(2);
const client = new OpenAI({ apiKey: 'sk-client', baseURL: `${server}v1`, maxRetries: 0 });
const messages = [{ role: 'user', content: process.argv[5] ?? 'Say something.' }];
const tools = [{ type: 'function', function: { name: 'get_weather', parameters: { type: 'object', properties: { city: { type: 'string' } } } } }];

const scenarios = {
  async stream() {
    const result = { text: '', finish: null, usage: null, chunks: 0 };
    for await (const chunk of await client.chat.completions.create({ model, messages, stream: true, stream_options: { include_usage: true } })) {
      result.chunks++;
      result.text += chunk.choices[0]?.delta?.content ?? '';
      result.finish = chunk.choices[0]?.finish_reason ?? result.finish;
      result.usage = chunk.usage ?? result.usage;
    }
    return result;
  },

  async whole() {
    const reply = await client.chat.completions.create({ model, messages });
    return { text: reply.choices[0].message.content, finish: reply.choices[0].finish_reason, usage: reply.usage };
  },

  async tools() {
    const reply = await client.chat.completions.stream({ model, messages, tools }).finalChatCompletion();
    return { finish: reply.choices[0].finish_reason, calls: reply.choices[0].message.tool_calls.map(c => ({ id: c.id, ...c.function })) };
  },

  async abort() {
    const stream = await client.chat.completions.create({ model, messages, stream: true });
    let chunks = 0;
    for await (const chunk of stream) {
      if (chunk.choices[0]?.delta?.content && ++chunks === 3) stream.controller.abort();
    }
    return { chunks };
  },

  async models() {
    const ids = [];
    for await (const found of client.models.list()) ids.push(found.id);
    return { ids };
  },
};

async function run() {
  try {
    return await scenarios[scenario]();
  } catch (error) {
    if (!(error instanceof APIError)) throw error;
    return { error: { status: error.status ?? null, code: error.code ?? null, type: error.type ?? null, message: error.message } };
  }
}

console.log(JSON.stringify(await run()));
