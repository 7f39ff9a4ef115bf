// Ollama's own client for Node.
import assert from 'node:assert/strict';
import { Ollama } from 'ollama';
import { all, errorOf, expected, jsonSchema, model, results, run, server, time, timeSchema, weather, weatherSchema } from './harness.mjs';

const client = new Ollama({ host: server });
const messages = [{ role: 'system', content: 'Be brief.' }, { role: 'user', content: 'Say something.' }];
const tools = [
  { type: 'function', function: { name: 'get_weather', description: 'The weather', parameters: weatherSchema } },
  { type: 'function', function: { name: 'get_time', description: 'The time', parameters: timeSchema } },
];
const textOf = parts => parts.map(part => part.message.content).join('');

await run({
  async 'streamed text'() {
    const parts = await all(await client.chat({ model: model('text'), messages, stream: true }));
    assert.equal(textOf(parts), expected.text);
    const last = parts.at(-1);
    assert.deepEqual([last.done, last.done_reason, last.prompt_eval_count, last.eval_count], [true, 'stop', 20, expected.tokens]);
    assert.ok(parts.every(part => part.model === model('text') && !Number.isNaN(Date.parse(part.created_at))));
    assert.equal(parts.filter(part => part.done).length, 1);
  },

  async 'whole text'() {
    const reply = await client.chat({ model: model('text'), messages });
    assert.equal(reply.message.content, expected.text);
    assert.deepEqual([reply.message.role, reply.done, reply.done_reason, reply.eval_count], ['assistant', true, 'stop', expected.tokens]);
  },

  async generate() {
    const whole = await client.generate({ model: model('text'), prompt: 'Say something.', system: 'Be brief.' });
    assert.equal(whole.response, expected.text);
    const parts = await all(await client.generate({ model: model('text'), prompt: 'Say something.', stream: true }));
    assert.equal(parts.map(part => part.response).join(''), expected.text);
  },

  async 'load only'() {
    const reply = await client.generate({ model: model('text'), prompt: '' });
    assert.deepEqual([reply.done, reply.done_reason], [true, 'load']);
  },

  async 'length limit'() {
    assert.equal((await client.chat({ model: model('long'), messages })).done_reason, 'length');
  },

  async reasoning() {
    const parts = await all(await client.chat({ model: model('reasoning'), messages, stream: true, think: true }));
    assert.equal(parts.map(part => part.message.thinking ?? '').join(''), expected.reasoning);
    assert.equal(textOf(parts), expected.text);
    assert.equal((await client.chat({ model: model('reasoning'), messages })).message.thinking, expected.reasoning);
  },

  async 'structured output'() {
    const reply = await client.chat({ model: model('json'), messages, format: jsonSchema });
    assert.deepEqual(JSON.parse(reply.message.content), expected.json);
  },

  async 'parallel tools'() {
    for (const stream of [true, false]) {
      const history = [...messages];
      const reply = await client.chat({ model: model('parallel'), messages: history, tools, stream });
      const calls = stream ? (await all(reply)).flatMap(part => part.message.tool_calls ?? []) : reply.message.tool_calls;
      assert.deepEqual(calls.map(call => call.function), [
        { name: 'get_weather', arguments: expected.weatherArguments },
        { name: 'get_time', arguments: {} },
      ]);
      history.push({ role: 'assistant', content: '', tool_calls: calls });
      history.push({ role: 'tool', tool_name: 'get_weather', content: weather }, { role: 'tool', tool_name: 'get_time', content: time });
      const answer = await client.chat({ model: model('parallel'), messages: history, tools, stream: false });
      assert.equal(answer.message.content, results);
    }
  },

  async abort() {
    const stream = await client.chat({ model: model('endless'), messages, stream: true });
    let seen = 0;
    await assert.rejects(async () => {
      for await (const _ of stream) if (++seen === 3) stream.abort();
    }, { name: 'AbortError' });
  },

  async errors() {
    for (const [script, status] of [['busy', 429], ['refused', 502]]) {
      const error = await errorOf(Error, () => client.chat({ model: model(script), messages, stream: true }));
      assert.equal(error.status_code, status);
      assert.ok(error.message && !error.message.includes('{'), error.message);
    }
    assert.equal((await errorOf(Error, () => client.chat({ model: 'nobody/m', messages }))).status_code, 404);
  },

  async 'error in the stream'() {
    for (const script of ['broken', 'cut']) {
      let text = '';
      const stream = await client.chat({ model: model(script), messages, stream: true });
      const error = await errorOf(Error, async () => {
        for await (const part of stream) text += part.message.content;
      });
      assert.equal(text, expected.text);
      assert.ok(!error.message.startsWith('Did not receive done'), error.message);
    }
  },

  async models() {
    assert.ok((await client.list()).models.some(found => found.name === model('text')));
    assert.ok((await client.show({ model: model('text') })).capabilities.includes('tools'));
    assert.ok((await client.version()).version);
  },
});
