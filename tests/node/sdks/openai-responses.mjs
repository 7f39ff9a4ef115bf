import assert from 'node:assert/strict';
import OpenAI, * as sdk from 'openai';
import { zodTextFormat } from 'openai/helpers/zod';
import { z } from 'zod';
import { all, errorOf, expected, model, provider, results, run, server, throwsMidStream, time, timeSchema, weather, weatherSchema } from './harness.mjs';

const client = new OpenAI({ apiKey: 'sk-client', baseURL: `${server}v1`, maxRetries: 0 });
const { responses } = client;

const ask = (script, more) => ({ model: model(script), instructions: 'Be brief.', input: 'Say something.', ...more });
const create = (script, more) => responses.create(ask(script, more));
const stream = async (script, see, more) =>
  all(await create(script, { stream: true, ...more }), event => event.type === 'response.output_text.delta' && see?.(event.delta));

const tools = [
  { type: 'function', name: 'get_weather', description: 'The weather', parameters: weatherSchema, strict: true },
  { type: 'function', name: 'get_time', description: 'The time', parameters: timeSchema, strict: true },
];

const checkUsage = usage => {
  assert.deepEqual([usage.input_tokens, usage.input_tokens_details.cached_tokens, usage.output_tokens], [20, 5, expected.tokens]);
  assert.equal(usage.total_tokens, 20 + expected.tokens);
};
const checkSequence = (events, first = 0) => assert.deepEqual(events.map(e => e.sequence_number), events.map((_, i) => first + i));

/** What goes back to the model after its calls: all that it said, and what the tools gave. */
const turn = (response, given) => [
  { role: 'user', content: 'Say something.' },
  ...response.output,
  ...response.output.filter(i => i.type === 'function_call').map((call, i) => ({ type: 'function_call_output', call_id: call.call_id, output: given[i] })),
];

await run({
  async 'streamed text'() {
    const events = await stream('text');
    checkSequence(events);
    assert.equal(events[0].type, 'response.created');
    assert.equal(events.filter(e => e.type === 'response.output_text.delta').map(e => e.delta).join(''), expected.text);
    assert.deepEqual(events.filter(e => e.type === 'response.output_text.done').map(e => e.text), [expected.text]);
    const { type, response } = events.at(-1);
    assert.equal(type, 'response.completed');
    assert.equal(response.output[0].content[0].text, expected.text);
    checkUsage(response.usage);
  },

  async 'whole text'() {
    const response = await create('text');
    assert.equal(response.output_text, expected.text);
    assert.equal(response.status, 'completed');
    checkUsage(response.usage);
  },

  async 'stream() assembles the answer'() {
    const runner = responses.stream(ask('text'));
    let snapshot;
    runner.on('response.output_text.delta', event => snapshot = event.snapshot);
    const final = await runner.finalResponse();
    assert.equal(snapshot, expected.text);
    assert.equal(final.output_text, expected.text);
    assert.equal(final.status, 'completed');
    checkUsage(final.usage);
  },

  async 'length limit'() {
    for (const response of [await create('long'), await responses.stream(ask('long')).finalResponse()]) {
      assert.equal(response.status, 'incomplete');
      assert.equal(response.incomplete_details.reason, 'max_output_tokens');
    }
  },

  async reasoning() {
    const events = await stream('reasoning', null, { reasoning: { effort: 'low', summary: 'auto' } });
    checkSequence(events);
    assert.equal(events.filter(e => /reasoning(_summary)?_text\.delta$/.test(e.type)).map(e => e.delta).join(''), expected.reasoning);
    for (const { output, output_text } of [await responses.stream(ask('reasoning')).finalResponse(), await create('reasoning')]) {
      assert.deepEqual(output.map(i => i.type), ['reasoning', 'message']);
      assert.equal([...output[0].summary, ...output[0].content ?? []].map(p => p.text).join(''), expected.reasoning);
      assert.equal(output_text, expected.text);
    }
  },

  async 'a signature goes back'() {
    const more = { tools: tools.slice(0, 1), include: ['reasoning.encrypted_content'], store: false };
    for (const response of [await responses.stream(ask('signed', more)).finalResponse(), await create('signed', more)]) {
      const reply = await create('signed', { ...more, input: turn(response, [weather]) });
      assert.equal(reply.output_text, `get_weather: ${weather}; signed ${expected.signature}`);
    }
  },

  async 'parallel tools and their results'() {
    for (const response of [await responses.stream(ask('parallel', { tools })).finalResponse(), await create('parallel', { tools })]) {
      const calls = response.output.filter(i => i.type === 'function_call');
      assert.deepEqual(calls.map(c => [c.name, JSON.parse(c.arguments)]), [['get_weather', expected.weatherArguments], ['get_time', {}]]);
      assert.equal((await create('parallel', { tools, input: turn(response, [weather, time]) })).output_text, results);
      const after = await responses.stream(ask('parallel', { tools, previous_response_id: response.id, input: turn(response, [weather, time]).slice(-2) })).finalResponse();
      assert.equal(after.output_text, results);
    }
  },

  async 'a conversation'() {
    const { conversations } = client;
    const { id, object, metadata } = await conversations.create({ metadata: { title: 'Rivers' }, items: [{ role: 'developer', content: 'Be brief.' }] });
    assert.deepEqual([object, metadata], ['conversation', { title: 'Rivers' }]);
    const first = await create('text', { conversation: id, input: 'One' });
    assert.deepEqual([first.output_text, first.conversation], [expected.text, { id }]);
    const second = await responses.stream(ask('parallel', { conversation: { id }, tools })).finalResponse();
    assert.deepEqual([second.conversation, second.output.length], [{ id }, 2]);
    const after = await create('parallel', { conversation: id, tools, input: turn(second, [weather, time]).slice(-2) });
    assert.equal(after.output_text, results);

    const items = await all(conversations.items.list(id, { order: 'asc', limit: 2 })); // in pages
    assert.deepEqual(items.map(i => i.role ?? i.type), ['developer', 'user', 'assistant', 'user', 'function_call', 'function_call', 'function_call_output', 'function_call_output', 'assistant']);
    assert.equal(items[2].content[0].text, expected.text);
    assert.deepEqual(await conversations.items.retrieve(items[1].id, { conversation_id: id }), items[1]);
    const added = await conversations.items.create(id, { items: [{ role: 'user', content: 'Noted.' }] });
    assert.equal((await conversations.items.delete(added.data[0].id, { conversation_id: id })).id, id);
    assert.deepEqual((await conversations.update(id, { metadata: { title: 'Lakes' } })).metadata, { title: 'Lakes' });
    assert.equal((await conversations.retrieve(id)).metadata.title, 'Lakes');

    const running = await create('endless', { conversation: id, stream: true });
    const events = running[Symbol.asyncIterator](); // not a loop that is left, which would stop it
    while ((await events.next()).value.type !== 'response.output_text.delta');
    const locked = await errorOf(sdk.ConflictError, () => create('text', { conversation: id }));
    assert.equal(locked.code, 'conversation_locked');
    assert.equal((await errorOf(sdk.BadRequestError, () => create('text', { conversation: id, previous_response_id: first.id }))).param, 'conversation');
    running.controller.abort();
    assert.deepEqual(await conversations.delete(id), { id, object: 'conversation.deleted', deleted: true });
    await errorOf(sdk.NotFoundError, () => conversations.retrieve(id));
    await errorOf(sdk.NotFoundError, () => responses.retrieve(first.id));
  },

  async 'items that are only referred to'() {
    const first = await create('parallel', { tools });
    const input = turn(first, [weather, time]).map(item => first.output.includes(item) ? { type: 'item_reference', id: item.id } : item);
    // An item of the provider's own making is the provider's to find.
    if (provider !== 'responses') assert.equal((await create('parallel', { tools, input })).output_text, results);
    const missing = { type: 'item_reference', id: `msg_${'0'.repeat(32)}_0` };
    assert.equal((await errorOf(sdk.NotFoundError, () => create('text', { input: [missing] }))).code, 'item_not_found');
  },

  async 'parse() of a schema'() {
    const text = { format: zodTextFormat(z.object({ city: z.string(), degrees: z.number() }), 'weather') };
    assert.deepEqual((await responses.parse(ask('json', { text }))).output_parsed, expected.json);
    assert.deepEqual((await responses.stream(ask('json', { text })).finalResponse()).output_parsed, expected.json);
  },

  async abort() {
    const reply = await create('endless', { stream: true });
    let seen = 0;
    for await (const event of reply) {
      if (event.type === 'response.output_text.delta' && ++seen === 3) reply.controller.abort();
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
      assert.equal((await errorOf(sdk.BadRequestError, () => create('text', { ...more, input: 7 }))).status, 400);
    }
  },

  async 'errors within the answer'() {
    for (const script of ['cut', 'broken']) {
      const events = [];
      await throwsMidStream(sdk.APIError, async see => {
        for await (const event of await create(script, { stream: true })) {
          events.push(event);
          if (event.type === 'response.output_text.delta') see(event.delta);
        }
      });
      assert.ok(!events.some(e => e.type === 'response.completed'));
      await errorOf(sdk.APIError, () => responses.stream(ask(script)).finalResponse());
      const stored = await responses.retrieve(events[0].response.id);
      assert.equal(stored.status, 'failed');
      assert.ok(stored.error.message);
      assert.equal(stored.output_text, expected.text);
    }
  },

  async 'background: cut, resumed on another connection, cancelled from a third'() {
    const cut = await create('endless', { stream: true, background: true });
    const first = [];
    for await (const event of cut) {
      first.push(event);
      if (first.filter(e => e.type === 'response.output_text.delta').length === 5) break; // closes the connection
    }
    checkSequence(first);
    const { id } = first[0].response;

    const events = [...first];
    let cancelled;
    for await (const event of await responses.retrieve(id, { stream: true, starting_after: first.at(-1).sequence_number })) {
      events.push(event);
      if (events.length === first.length + 20) cancelled = await responses.cancel(id);
    }
    checkSequence(events);
    assert.equal(cancelled.status, 'cancelled');

    const streamed = events.filter(e => e.type === 'response.output_text.delta').map(e => e.delta).join('');
    assert.match(streamed, /^ endless\.0 endless\.1 好/);
    const stored = await responses.retrieve(id);
    assert.equal(stored.status, 'cancelled');
    assert.equal(stored.output_text, streamed);
    assert.deepEqual((await responses.cancel(id)).output, stored.output);
    const ending = events.at(-1);
    assert.ok(!['response.completed', 'response.output_text.delta'].includes(ending.type), JSON.stringify(ending));
    if (ending.response) assert.deepEqual(ending.response.output, stored.output);

    // Once it has ended, it can be read again from the start, and from anywhere.
    assert.deepEqual(await all(await responses.retrieve(id, { stream: true })), events);
    assert.deepEqual(await all(await responses.retrieve(id, { stream: true, starting_after: 10 })), events.slice(11));
  },

  async 'a stored answer equals what was streamed'() {
    for (const script of ['text', 'reasoning', 'parallel']) {
      const final = (await stream(script, null, { tools, background: true })).at(-1).response;
      const stored = await responses.retrieve(final.id);
      delete stored.output_text; // the SDK's own
      assert.deepEqual(stored, final);
      await responses.delete(final.id);
      await errorOf(sdk.NotFoundError, () => responses.retrieve(final.id));
    }
  },

  async 'background without a stream'() {
    let response = await create('text', { background: true });
    assert.ok(['queued', 'in_progress', 'completed'].includes(response.status), response.status);
    while (['queued', 'in_progress'].includes(response.status)) response = await responses.retrieve(response.id);
    assert.equal(response.status, 'completed');
    assert.equal(response.output_text, expected.text);
  },
});
