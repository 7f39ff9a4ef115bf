import assert from 'node:assert/strict';
import { ApiError, GoogleGenAI } from '@google/genai';
import { all, errorOf, expected, jsonSchema, model, results, run, server, throwsMidStream, time, timeSchema, toolbox, weather, weatherSchema } from './harness.mjs';

const client = new GoogleGenAI({ apiKey: 'client', httpOptions: { baseUrl: server } });
const { models } = client;

const ask = (script, more) => ({ model: model(script), contents: 'Say something.', config: { systemInstruction: 'Be brief.' }, ...more });
const generate = (script, more) => models.generateContent(ask(script, more));
const stream = async (script, see, more) => all(await models.generateContentStream(ask(script, more)), chunk => see?.(chunk.text ?? ''));

const declarations = [
  { name: 'get_weather', description: 'The weather', parametersJsonSchema: weatherSchema },
  { name: 'get_time', description: 'The time', parametersJsonSchema: timeSchema },
];
const withTools = { config: { tools: [{ functionDeclarations: declarations }] } };

const partsOf = chunks => chunks.flatMap(c => c.candidates?.[0]?.content?.parts ?? []);
const checkUsage = usage => assert.deepEqual(
  [usage.promptTokenCount, usage.cachedContentTokenCount, usage.candidatesTokenCount, usage.totalTokenCount],
  [20, 5, expected.tokens, 20 + expected.tokens]);

const user = text => ({ role: 'user', parts: [{ text }] });

/** The turn that gives the tools' results back. */
const turn = (parts, given) => {
  const calls = parts.filter(p => p.functionCall).map(p => p.functionCall);
  return [user('Say something.'), { role: 'model', parts }, {
    role: 'user',
    parts: calls.map((call, i) => ({ functionResponse: { ...(call.id ? { id: call.id } : {}), name: call.name, response: { output: given[i] } } })),
  }];
};

await run({
  async 'streamed text'() {
    const chunks = await stream('text');
    assert.equal(chunks.map(c => c.text ?? '').join(''), expected.text);
    assert.ok(chunks.length >= expected.tokens, 'It came in one piece.');
    assert.deepEqual(chunks.map(c => c.candidates?.[0]?.finishReason).filter(Boolean), ['STOP']);
    checkUsage(chunks.at(-1).usageMetadata);
  },

  async 'whole text'() {
    const reply = await generate('text');
    assert.equal(reply.text, expected.text);
    assert.equal(reply.candidates[0].finishReason, 'STOP');
    checkUsage(reply.usageMetadata);
  },

  async 'length limit'() {
    assert.equal((await generate('long')).candidates[0].finishReason, 'MAX_TOKENS');
    assert.equal((await stream('long')).at(-1).candidates[0].finishReason, 'MAX_TOKENS');
  },

  async reasoning() {
    const config = { thinkingConfig: { includeThoughts: true, thinkingBudget: 1024 } };
    for (const chunks of [await stream('reasoning', null, { config }), [await generate('reasoning', { config })]]) {
      const parts = partsOf(chunks);
      assert.equal(parts.filter(p => p.thought).map(p => p.text).join(''), expected.reasoning);
      assert.equal(parts.filter(p => !p.thought).map(p => p.text ?? '').join(''), expected.text);
    }
  },

  async 'a signature goes back'() {
    const config = { tools: [{ functionDeclarations: declarations.slice(0, 1) }] };
    for (const chunks of [await stream('signed', null, { config }), [await generate('signed', { config })]]) {
      const reply = await generate('signed', { config, contents: turn(partsOf(chunks), [weather]) });
      assert.equal(reply.text, `get_weather: ${weather}; signed ${expected.signature}`);
    }
  },

  async 'parallel tools and their results'() {
    for (const chunks of [await stream('parallel', null, withTools), [await generate('parallel', withTools)]]) {
      const calls = chunks.flatMap(c => c.functionCalls ?? []);
      assert.deepEqual(calls.map(c => [c.name, c.args]), [['get_weather', expected.weatherArguments], ['get_time', {}]]);
      const contents = turn(partsOf(chunks), [weather, time]);
      assert.equal((await generate('parallel', { ...withTools, contents })).text, results);
      assert.equal((await stream('parallel', null, { ...withTools, contents })).map(c => c.text ?? '').join(''), results);
    }
  },

  async 'automatic function calling, together and in turn'() {
    for (const script of ['parallel', 'steps']) {
      for (const streamed of [false, true]) {
        const box = toolbox();
        const callable = {
          tool: async () => ({ functionDeclarations: declarations }),
          callTool: async calls => calls.map(call => ({ functionResponse: { ...(call.id ? { id: call.id } : {}), name: call.name, response: { output: box[call.name](call.args) } } })),
        };
        const more = { config: { tools: [callable] } };
        const text = streamed ? (await stream(script, null, more)).map(c => c.text ?? '').join('') : (await generate(script, more)).text;
        assert.ok(text.endsWith(results), text);
        box.check();
      }
    }
  },

  async 'chats keep the conversation'() {
    const chat = client.chats.create({ model: model('text') });
    const chunks = await all(await chat.sendMessageStream({ message: 'Say something.' }));
    assert.equal(chunks.map(c => c.text ?? '').join(''), expected.text);
    assert.equal(chat.getHistory(true).at(-1).role, 'model');
    assert.equal((await chat.sendMessage({ message: 'Again.' })).text, expected.text);
  },

  async 'structured output'() {
    const { additionalProperties, ...responseSchema } = jsonSchema;
    for (const format of [{ responseJsonSchema: jsonSchema }, { responseSchema }]) {
      const reply = await generate('json', { config: { responseMimeType: 'application/json', ...format } });
      assert.deepEqual(JSON.parse(reply.text), expected.json);
    }
  },

  async abort() {
    const abort = new AbortController();
    let seen = 0;
    await errorOf(Error, () => stream('endless', text => text && ++seen === 3 && abort.abort(), { config: { abortSignal: abort.signal } }));
    assert.ok(seen < 50, `It read on: ${seen}`);
  },

  async 'errors before the answer'() {
    for (const call of [script => generate(script), script => stream(script)]) {
      const busy = await errorOf(ApiError, () => call('busy'));
      assert.equal(busy.status, 429);
      assert.equal(JSON.parse(busy.message).error.status, 'RESOURCE_EXHAUSTED');
      assert.equal((await errorOf(ApiError, () => call('refused'))).status, 502);
    }
    assert.equal((await errorOf(ApiError, () => models.generateContent({ model: 'nobody/m', contents: 'Hi' }))).status, 404);
    assert.equal((await errorOf(ApiError, () => generate('text', { contents: [{ role: 'nobody', parts: [{ text: 'Hi' }] }] }))).status, 400);
  },

  async 'errors within the answer'() {
    for (const script of ['cut', 'broken']) await throwsMidStream(ApiError, see => stream(script, see));
  },

  async 'countTokens'() {
    assert.ok((await models.countTokens({ model: model('text'), contents: 'Say something.' })).totalTokens > 0);
  },

  async models() {
    const found = await all(await models.list());
    assert.ok(found.some(m => m.name === `models/${model('text')}`), JSON.stringify(found.map(m => m.name)));
  },
});
