// Tools that the server runs, as each SDK sees them: node tools.mjs SERVER. The model "tools" is offered those of an MCP server.
import assert from 'node:assert/strict';
import { createAnthropic } from '@ai-sdk/anthropic';
import { createGoogleGenerativeAI } from '@ai-sdk/google';
import { createOpenAI } from '@ai-sdk/openai';
import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
import Anthropic from '@anthropic-ai/sdk';
import { GoogleGenAI } from '@google/genai';
import { ChatOpenAI } from '@langchain/openai';
import { generateText, streamText } from 'ai';
import { Groq } from 'groq-sdk';
import OpenAI from 'openai';
import { all, run, server } from './harness.mjs';

globalThis.AI_SDK_LOG_WARNINGS = false;

const prompt = 'Use echo for Paris and get-sum with 20 and 22, then get-sum with 20 and 22.';
const model = 'tools';
const user = [{ role: 'user', content: prompt }];
const check = text => assert.match(text, /`get-sum` says: .*42/);

const openai = new OpenAI({ apiKey: 'sk-client', baseURL: `${server}v1`, maxRetries: 0 });
const anthropic = new Anthropic({ apiKey: 'sk-ant-client', baseURL: server, maxRetries: 0 });
const google = new GoogleGenAI({ apiKey: 'client', httpOptions: { baseUrl: server } });

const chat = client => async () => {
  const chunks = await all(await client.chat.completions.create({ model, messages: user, stream: true, ...(client === openai ? { stream_options: { include_usage: true } } : {}) }));
  check(chunks.map(c => c.choices[0]?.delta.content ?? '').join(''));
  assert.deepEqual(chunks.map(c => c.choices[0]?.finish_reason).filter(Boolean), ['stop']);
  assert.ok(chunks.every(c => !c.choices[0]?.delta.tool_calls));
  const whole = await client.chat.completions.create({ model, messages: user });
  check(whole.choices[0].message.content);
  assert.equal(whole.choices[0].finish_reason, 'stop');
};

const checkItems = output => {
  assert.deepEqual(output.map(i => i.type), ['mcp_call', 'mcp_call', 'mcp_call', 'message']);
  assert.deepEqual(output.slice(0, 3).map(i => i.name), ['echo', 'get-sum', 'get-sum']);
  for (const call of output.slice(0, 3)) {
    assert.equal(call.server_label, 'everything');
    assert.equal(call.status, 'completed');
    assert.equal(call.error, null);
  }
  assert.deepEqual(JSON.parse(output[1].arguments), { a: 20, b: 22 });
  assert.match(output[1].output, /42/);
};

const checkBlocks = content => {
  assert.deepEqual(content.map(b => b.type).sort(), ['mcp_tool_result', 'mcp_tool_result', 'mcp_tool_result', 'mcp_tool_use', 'mcp_tool_use', 'mcp_tool_use', 'text']);
  const sum = content.find(b => b.type === 'mcp_tool_use' && b.name === 'get-sum');
  assert.equal(sum.server_name, 'everything');
  const result = content.find(b => b.type === 'mcp_tool_result' && b.tool_use_id === sum.id);
  assert.equal(result.is_error, false);
  assert.match(result.content[0].text, /42/);
  check(content.at(-1).text);
  return sum;
};

const ai = language => async () => {
  const { text } = await generateText({ model: language, prompt, maxRetries: 0 });
  check(text);
  const result = streamText({ model: language, prompt, maxRetries: 0, onError() {} });
  for (const part of await all(result.fullStream)) if (part.type === 'error') throw part.error;
  check(await result.text);
  assert.equal(await result.finishReason, 'stop');
};

await run({
  'openai chat': chat(openai),
  groq: chat(new Groq({ apiKey: 'gsk_client', baseURL: server, maxRetries: 0 })),

  async 'openai responses'() {
    const events = await all(await openai.responses.create({ model, input: prompt, stream: true }));
    assert.deepEqual(events.map(e => e.sequence_number), events.map((_, i) => i));
    const { type, response } = events.at(-1);
    assert.equal(type, 'response.completed');
    checkItems(response.output);
    const count = name => events.filter(e => e.type === name).length;
    assert.deepEqual(['in_progress', 'completed', 'failed'].map(s => count(`response.mcp_call.${s}`)), [3, 3, 0]);
    assert.equal(count('response.mcp_call_arguments.done'), 3);
    const stream = openai.responses.stream({ model, input: prompt });
    const final = await stream.finalResponse();
    checkItems(final.output);
    check(final.output_text);
  },

  async 'openai responses, by the name of the server'() {
    const response = await openai.responses.create({
      model: 'simulated/chat?tps=0&ttft=0', input: prompt, tools: [{ type: 'mcp', server_label: 'everything', allowed_tools: ['get-sum'], require_approval: 'never' }],
    });
    assert.deepEqual(response.output.map(i => i.name ?? i.type), ['get-sum', 'get-sum', 'message']);
  },

  async 'openai responses, calls that wait for the client'() {
    const ask = { model: 'simulated/chat?tps=0&ttft=0', tools: [{ type: 'mcp', server_label: 'everything', allowed_tools: ['get-sum'], require_approval: 'always' }] };
    const first = await openai.responses.create({ ...ask, input: 'Use get-sum with 20 and 22.' });
    assert.deepEqual(first.output.map(i => i.type), ['mcp_approval_request']);
    assert.equal(first.status, 'completed');
    const word = approve => [{ type: 'mcp_approval_response', approval_request_id: first.output[0].id, approve }];
    const stream = openai.responses.stream({ ...ask, input: word(true), previous_response_id: first.id });
    const final = await stream.finalResponse();
    assert.deepEqual(final.output.map(i => i.type), ['mcp_call', 'message']);
    assert.equal(final.output[0].approval_request_id, first.output[0].id);
    check(final.output_text);
    await assert.rejects(openai.responses.create({ ...ask, input: word(false), previous_response_id: first.id }), e => e.status === 409);

    const other = await openai.responses.create({ ...ask, input: 'Use get-sum with 1 and 2.' });
    const denied = await openai.responses.create({ ...ask, input: [{ role: 'user', content: 'Use get-sum with 1 and 2.' }, ...other.output, { type: 'mcp_approval_response', approval_request_id: other.output[0].id, approve: false }] });
    assert.match(denied.output[0].error, /did not allow/);
  },

  async 'openai responses, a conversation that goes on'() {
    const first = await openai.responses.create({ model, input: prompt });
    const second = await openai.responses.create({ model, input: 'And now?', previous_response_id: first.id });
    assert.equal(second.status, 'completed');
  },

  async 'anthropic messages'() {
    const ask = { model, max_tokens: 1000, messages: user };
    const message = await anthropic.messages.stream(ask).finalMessage();
    assert.equal(message.stop_reason, 'end_turn');
    checkBlocks(message.content);
    const whole = await anthropic.messages.create(ask);
    assert.deepEqual(checkBlocks(whole.content).input, { a: 20, b: 22 });
    const next = await anthropic.messages.create({ ...ask, messages: [...user, { role: 'assistant', content: whole.content }, { role: 'user', content: 'And now?' }] });
    assert.equal(next.stop_reason, 'end_turn');
  },

  async 'anthropic messages, beta'() {
    const message = await anthropic.beta.messages.stream({
      model: 'simulated/chat?tps=0&ttft=0', max_tokens: 1000, messages: user, tools: [{ type: 'mcp_toolset', mcp_server_name: 'everything' }], betas: ['mcp-client-2025-11-20'],
    }).finalMessage();
    assert.deepEqual(checkBlocks(message.content).input, { a: 20, b: 22 });
  },

  async 'google genai'() {
    const chunks = await all(await google.models.generateContentStream({ model, contents: prompt }));
    check(chunks.map(c => c.text ?? '').join(''));
    assert.ok(chunks.every(c => !c.functionCalls));
    check((await google.models.generateContent({ model, contents: prompt })).text);
  },

  async 'langchain'() {
    const language = new ChatOpenAI({ model, apiKey: 'sk-client', configuration: { baseURL: `${server}v1` }, maxRetries: 0 });
    check((await language.invoke(prompt)).text);
    check((await all(await language.stream(prompt))).map(c => c.text).join(''));
  },

  'ai: openai responses': ai(createOpenAI({ baseURL: `${server}v1`, apiKey: 'sk-client' }).responses(model)),
  'ai: openai chat': ai(createOpenAI({ baseURL: `${server}v1`, apiKey: 'sk-client' }).chat(model)),
  'ai: openai compatible': ai(createOpenAICompatible({ name: 'penstock', baseURL: `${server}v1`, apiKey: 'sk-client' })(model)),
  'ai: anthropic': ai(createAnthropic({ baseURL: `${server}v1`, apiKey: 'sk-ant-client' })(model)),
  'ai: google': ai(createGoogleGenerativeAI({ baseURL: `${server}v1beta`, apiKey: 'client' })(model)),
});
