// The scenarios of Chat Completions that need no helper methods: the same calls in the SDKs of OpenAI and of Groq.
import assert from 'node:assert/strict';
import { all, errorOf, expected, jsonSchema, model, results, throwsMidStream, time, timeSchema, weather, weatherSchema } from './harness.mjs';

export const messages = [{ role: 'system', content: 'Be brief.' }, { role: 'user', content: 'Say something.' }];
export const tools = [
  { type: 'function', function: { name: 'get_weather', description: 'The weather', parameters: weatherSchema, strict: true } },
  { type: 'function', function: { name: 'get_time', description: 'The time', parameters: timeSchema } },
];

export const chatScenarios = (client, sdk) => {
  const create = (script, more) => client.chat.completions.create({ model: model(script), messages, ...more });
  const stream = async (script, more, see) => all(await create(script, { stream: true, ...more }), chunk => see?.(chunk.choices[0]?.delta?.content ?? ''));

  return {
    async 'streamed text'() {
      const chunks = await stream('text', { stream_options: { include_usage: true } });
      assert.equal(chunks.map(c => c.choices[0]?.delta.content ?? '').join(''), expected.text);
      assert.deepEqual(chunks.map(c => c.choices[0]?.finish_reason).filter(Boolean), ['stop']);
      assert.equal(new Set(chunks.map(c => c.id)).size, 1);
      const { usage } = chunks.at(-1);
      assert.deepEqual([usage.prompt_tokens, usage.prompt_tokens_details.cached_tokens, usage.completion_tokens], [20, 5, expected.tokens]);
      assert.equal(usage.total_tokens, 20 + expected.tokens);
    },

    async 'whole text'() {
      const reply = await create('text');
      assert.equal(reply.choices[0].message.content, expected.text);
      assert.equal(reply.choices[0].finish_reason, 'stop');
      assert.equal(reply.usage.completion_tokens, expected.tokens);
    },

    async 'length limit'() {
      const chunks = await stream('long');
      assert.deepEqual(chunks.map(c => c.choices[0]?.finish_reason).filter(Boolean), ['length']);
    },

    async reasoning() {
      const deltas = (await stream('reasoning')).map(c => c.choices[0]?.delta ?? {});
      assert.equal(deltas.map(d => d.reasoning_content ?? d.reasoning ?? '').join(''), expected.reasoning);
      assert.equal(deltas.map(d => d.content ?? '').join(''), expected.text);
      const { message } = (await create('reasoning')).choices[0];
      assert.equal(message.reasoning_content ?? message.reasoning, expected.reasoning);
      assert.equal(message.content, expected.text);
    },

    async 'parallel tools and their results'() {
      for (const streamed of [false, true]) {
        const calls = streamed ? callsOf(await stream('parallel', { tools })) : (await create('parallel', { tools })).choices[0].message.tool_calls;
        assert.deepEqual(calls.map(c => c.function.name), ['get_weather', 'get_time']);
        assert.deepEqual(JSON.parse(calls[0].function.arguments), expected.weatherArguments);
        assert.deepEqual(JSON.parse(calls[1].function.arguments), {});
        const turn = [...messages, { role: 'assistant', content: null, tool_calls: calls }, ...[weather, time].map((content, i) => ({ role: 'tool', tool_call_id: calls[i].id, content }))];
        const reply = await create('parallel', { tools, messages: turn });
        assert.equal(reply.choices[0].message.content, results);
      }
    },

    async 'structured output'() {
      const response_format = { type: 'json_schema', json_schema: { name: 'weather', schema: jsonSchema, strict: true } };
      const reply = await create('json', { response_format });
      assert.deepEqual(JSON.parse(reply.choices[0].message.content), expected.json);
    },

    async abort() {
      const reply = await create('endless', { stream: true });
      let seen = 0;
      for await (const chunk of reply) {
        if (chunk.choices[0]?.delta?.content && ++seen === 3) reply.controller.abort();
      }
      assert.ok(seen < 50, `It read on: ${seen}`);
    },

    async 'errors before the answer'() {
      for (const more of [{}, { stream: true }]) {
        const busy = await errorOf(sdk.RateLimitError, () => create('busy', more));
        assert.equal(busy.status, 429);
        assert.equal(busy.headers.get('retry-after'), '3');
        assert.equal((await errorOf(sdk.InternalServerError, () => create('refused', more))).status, 502);
        assert.equal((await errorOf(sdk.NotFoundError, () => create('text', { ...more, model: 'nobody/m' }))).status, 404);
        assert.equal((await errorOf(sdk.BadRequestError, () => create('text', { ...more, messages: [] }))).status, 400);
      }
    },

    async 'errors within the answer'() {
      await throwsMidStream(sdk.APIError, see => stream('cut', {}, see));
      await throwsMidStream(sdk.APIError, see => stream('broken', {}, see));
    },

    async models() {
      const { data } = await client.models.list();
      assert.ok(data.some(m => m.id === model('text') && m.object === 'model'), JSON.stringify(data));
    },
  };
};

function callsOf(chunks) {
  const calls = [];
  for (const part of chunks.flatMap(c => c.choices[0]?.delta.tool_calls ?? [])) {
    const call = calls[part.index] ??= { id: part.id, type: 'function', function: { name: '', arguments: '' } };
    call.function.name += part.function.name ?? '';
    call.function.arguments += part.function.arguments ?? '';
  }
  assert.deepEqual(chunks.map(c => c.choices[0]?.finish_reason).filter(Boolean), ['tool_calls']);
  return calls;
}
