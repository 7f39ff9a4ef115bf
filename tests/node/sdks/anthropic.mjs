import assert from 'node:assert/strict';
import Anthropic, * as sdk from '@anthropic-ai/sdk';
import { betaTool } from '@anthropic-ai/sdk/helpers/beta/json-schema';
import { jsonSchemaOutputFormat } from '@anthropic-ai/sdk/helpers/json-schema';
import { all, errorOf, expected, jsonSchema, model, provider, results, run, server, throwsMidStream, time, timeSchema, toolbox, weather, weatherSchema } from './harness.mjs';

const client = new Anthropic({ apiKey: 'sk-ant-client', baseURL: server, maxRetries: 0 });
const { messages } = client;

const ask = (script, more) => ({ model: model(script), max_tokens: 1000, system: 'Be brief.', messages: [{ role: 'user', content: 'Say something.' }], ...more });
const create = (script, more) => messages.create(ask(script, more));
const stream = async (script, see, more) =>
  all(await create(script, { stream: true, ...more }), event => event.delta?.type === 'text_delta' && see?.(event.delta.text));

const tools = [
  { name: 'get_weather', description: 'The weather', input_schema: weatherSchema },
  { name: 'get_time', description: 'The time', input_schema: timeSchema },
];

const textOf = message => message.content.filter(b => b.type === 'text').map(b => b.text).join('');
const checkUsage = usage => {
  assert.equal(usage.input_tokens + (usage.cache_read_input_tokens ?? 0), 20);
  assert.equal(usage.cache_read_input_tokens, 5);
  assert.equal(usage.output_tokens, expected.tokens);
};

/** The turn that gives the tools' results back. */
const turn = (message, contents) => [
  { role: 'user', content: 'Say something.' },
  { role: 'assistant', content: message.content },
  { role: 'user', content: message.content.filter(b => b.type === 'tool_use').map((b, i) => ({ type: 'tool_result', tool_use_id: b.id, content: contents[i] })) },
];

await run({
  async 'streamed text'() {
    const events = await stream('text');
    assert.equal(events[0].type, 'message_start');
    assert.deepEqual(events[0].message.content, []);
    assert.equal(events.filter(e => e.type === 'content_block_delta').map(e => e.delta.text).join(''), expected.text);
    assert.equal(events.find(e => e.type === 'message_delta').delta.stop_reason, 'end_turn');
    assert.deepEqual(events.filter(e => e.type === 'message_stop'), [events.at(-1)]);
    for (const { index } of events.filter(e => e.type === 'content_block_start')) {
      assert.equal(events.filter(e => e.type === 'content_block_stop' && e.index === index).length, 1);
    }
  },

  async 'stream() assembles the answer'() {
    const runner = messages.stream(ask('text'));
    let seen = '';
    runner.on('text', piece => seen += piece);
    const final = await runner.finalMessage();
    assert.equal(seen, expected.text);
    assert.deepEqual(final.content.map(b => [b.type, b.text]), [['text', expected.text]]);
    assert.equal(final.stop_reason, 'end_turn');
    assert.equal(final.role, 'assistant');
    assert.match(final.id, /^msg_/);
    checkUsage(final.usage);
    assert.equal(await runner.finalText(), expected.text);
  },

  async 'whole text'() {
    const message = await create('text');
    assert.deepEqual(message.content.map(b => [b.type, b.text]), [['text', expected.text]]);
    assert.equal(message.stop_reason, 'end_turn');
    assert.equal(message.type, 'message');
    checkUsage(message.usage);
  },

  async 'length limit'() {
    assert.equal((await create('long')).stop_reason, 'max_tokens');
    assert.equal((await messages.stream(ask('long')).finalMessage()).stop_reason, 'max_tokens');
  },

  async reasoning() {
    const thinking = { type: 'enabled', budget_tokens: 1024 };
    const runner = messages.stream(ask('reasoning', { thinking, max_tokens: 2000 }));
    let seen = '';
    runner.on('thinking', piece => seen += piece);
    for (const message of [await runner.finalMessage(), await create('reasoning', { thinking, max_tokens: 2000 })]) {
      assert.deepEqual(message.content.map(b => [b.type, b.thinking ?? b.text]), [['thinking', expected.reasoning], ['text', expected.text]]);
    }
    assert.equal(seen, expected.reasoning);
  },

  async 'a signature goes back'() {
    const only = { tools: tools.slice(0, 1) };
    for (const message of [await messages.stream(ask('signed', only)).finalMessage(), await create('signed', only)]) {
      assert.equal(message.stop_reason, 'tool_use');
      const reply = await create('signed', { ...only, messages: turn(message, [weather]) });
      assert.equal(textOf(reply), `get_weather: ${weather}; signed ${expected.signature}`);
    }
  },

  async 'parallel tools and their results'() {
    const runner = messages.stream(ask('parallel', { tools }));
    for (const message of [await runner.finalMessage(), await create('parallel', { tools })]) {
      assert.equal(message.stop_reason, 'tool_use');
      const calls = message.content.filter(b => b.type === 'tool_use');
      assert.deepEqual(calls.map(b => [b.name, b.input]), [['get_weather', expected.weatherArguments], ['get_time', {}]]);
      assert.equal(textOf(await create('parallel', { tools, messages: turn(message, [weather, time]) })), results);
      const parts = turn(message, [[{ type: 'text', text: weather }], [{ type: 'text', text: time }]]);
      assert.equal(await messages.stream(ask('parallel', { tools, messages: parts })).finalText(), results);
    }
  },

  async 'toolRunner runs tools together and in turn'() {
    for (const script of ['parallel', 'steps']) {
      for (const streamed of [false, true]) {
        const box = toolbox();
        const runner = client.beta.messages.toolRunner(ask(script, {
          stream: streamed,
          tools: [
            betaTool({ name: 'get_weather', description: 'The weather', inputSchema: weatherSchema, run: box.get_weather }),
            betaTool({ name: 'get_time', description: 'The time', inputSchema: timeSchema, run: box.get_time }),
          ],
        }));
        assert.equal(textOf(await runner.runUntilDone()), results);
        box.check();
      }
    }
  },

  async 'structured output'() {
    const output_config = { format: jsonSchemaOutputFormat(jsonSchema) };
    assert.deepEqual((await messages.parse(ask('json', { output_config }))).parsed_output, expected.json);
    assert.deepEqual((await messages.stream(ask('json', { output_config })).finalMessage()).parsed_output, expected.json);
  },

  async abort() {
    const reply = await create('endless', { stream: true });
    let seen = 0;
    for await (const event of reply) {
      if (event.delta?.type === 'text_delta' && ++seen === 3) reply.controller.abort();
    }
    assert.ok(seen < 50, `It read on: ${seen}`);
    const runner = messages.stream(ask('endless'));
    runner.on('text', () => runner.abort());
    await errorOf(sdk.APIUserAbortError, () => runner.finalMessage());
  },

  async 'errors before the answer'() {
    for (const more of [{}, { stream: true }]) {
      const busy = await errorOf(sdk.RateLimitError, () => create('busy', more));
      assert.equal(busy.status, 429);
      assert.equal(busy.type, 'rate_limit_error');
      assert.equal(busy.headers.get('retry-after'), '3');
      assert.ok(busy.requestID, 'It has no request-id.');
      assert.equal((await errorOf(sdk.InternalServerError, () => create('refused', more))).status, 502);
      const missing = await errorOf(sdk.NotFoundError, () => create('text', { ...more, model: 'nobody/m' }));
      assert.equal(missing.type, 'not_found_error');
      const bad = await errorOf(sdk.BadRequestError, () => create('text', { ...more, messages: [] }));
      assert.equal(bad.type, 'invalid_request_error');
    }
  },

  async 'errors within the answer'() {
    for (const script of ['cut', 'broken']) {
      const error = await throwsMidStream(sdk.APIError, see => stream(script, see));
      assert.ok(error.type?.endsWith('_error'), error.message);
      await errorOf(sdk.APIError, () => messages.stream(ask(script)).finalMessage());
    }
  },

  async 'countTokens'() {
    const { input_tokens } = await messages.countTokens({ model: model('text'), messages: [{ role: 'user', content: 'Say something.' }] });
    if (provider === 'messages') assert.equal(input_tokens, 42);
    else assert.ok(input_tokens > 0 && input_tokens < 42, `An estimate: ${input_tokens}`);
  },

  async models() {
    const page = await client.models.list();
    assert.ok(page.data.some(m => m.id === model('text') && m.type === 'model'), JSON.stringify(page.data));
    const found = await all(client.models.list());
    assert.equal(found.length, page.data.length);
    assert.equal((await client.models.retrieve(model('text'))).id, model('text'));
  },
});
