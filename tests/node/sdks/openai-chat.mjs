import assert from 'node:assert/strict';
import OpenAI, * as sdk from 'openai';
import { zodResponseFormat } from 'openai/helpers/zod';
import { z } from 'zod';
import { chatScenarios, messages, tools } from './chat.mjs';
import { errorOf, expected, model, results, run, server, timeSchema, toolbox, weatherSchema } from './harness.mjs';

const client = new OpenAI({ apiKey: 'sk-client', baseURL: `${server}v1`, maxRetries: 0 });
const { completions } = client.chat;

await run({
  ...chatScenarios(client, sdk),

  async 'stream() assembles the answer'() {
    const runner = completions.stream({ model: model('text'), messages, stream_options: { include_usage: true } });
    const seen = [];
    runner.on('content', delta => seen.push(delta));
    const final = await runner.finalChatCompletion();
    assert.equal(seen.join(''), expected.text);
    assert.equal(final.choices[0].message.content, expected.text);
    assert.equal(final.choices[0].finish_reason, 'stop');
    assert.equal(final.usage.completion_tokens, expected.tokens);
    assert.equal(await runner.finalContent(), expected.text);
  },

  async 'stream() assembles parallel tool calls'() {
    const runner = completions.stream({ model: model('parallel'), messages, tools });
    const done = [];
    runner.on('tool_calls.function.arguments.done', call => done.push([call.name, JSON.parse(call.arguments)]));
    const { message, finish_reason } = (await runner.finalChatCompletion()).choices[0];
    assert.equal(finish_reason, 'tool_calls');
    const calls = [['get_weather', expected.weatherArguments], ['get_time', {}]];
    assert.deepEqual(message.tool_calls.map(c => [c.function.name, JSON.parse(c.function.arguments)]), calls);
    assert.deepEqual(done, calls);
  },

  async 'stream() throws what ends it'() {
    for (const script of ['cut', 'broken']) {
      await errorOf(sdk.APIError, () => completions.stream({ model: model(script), messages }).finalChatCompletion());
    }
    const busy = await errorOf(sdk.RateLimitError, () => completions.stream({ model: model('busy'), messages }).finalChatCompletion());
    assert.equal(busy.status, 429);
  },

  async 'runTools runs tools together and in turn'() {
    for (const script of ['parallel', 'steps']) {
      for (const stream of [false, true]) {
        const box = toolbox();
        const runner = completions.runTools({
          stream,
          model: model(script),
          messages,
          tools: [
            { type: 'function', function: { name: 'get_weather', parse: JSON.parse, function: box.get_weather, parameters: weatherSchema } },
            { type: 'function', function: { name: 'get_time', parse: JSON.parse, function: box.get_time, parameters: timeSchema } },
          ],
        });
        assert.equal(await runner.finalContent(), results);
        box.check();
      }
    }
  },

  async 'parse() of a schema'() {
    const format = zodResponseFormat(z.object({ city: z.string(), degrees: z.number() }), 'weather');
    const reply = await completions.parse({ model: model('json'), messages, response_format: format });
    assert.deepEqual(reply.choices[0].message.parsed, expected.json);
    const streamed = await completions.stream({ model: model('json'), messages, response_format: format }).finalChatCompletion();
    assert.deepEqual(streamed.choices[0].message.parsed, expected.json);
  },

  async 'abort by a signal'() {
    const abort = new AbortController();
    await errorOf(sdk.APIUserAbortError, async () => {
      const stream = completions.stream({ model: model('endless'), messages }, { signal: abort.signal });
      stream.on('content', () => abort.abort());
      return await stream.finalChatCompletion();
    });
  },
});
