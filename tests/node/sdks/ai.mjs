// The scenarios of the AI SDK: the same calls through each of its provider packages.
import assert from 'node:assert/strict';
import { APICallError, generateText, jsonSchema as schemaOf, Output, stepCountIs, streamText, tool } from 'ai';
import { all, errorOf, expected, jsonSchema, results, timeSchema, toolbox, weatherSchema } from './harness.mjs';

globalThis.AI_SDK_LOG_WARNINGS = false;

/** `language` makes a model of the provider package for a script, and for `nobody/m`, which does not exist. */
export const aiScenarios = (language, providerOptions) => {
  const options = (script, more) => ({ model: language(script), system: 'Be brief.', prompt: 'Say something.', providerOptions, maxRetries: 0, ...more });
  const generate = (script, more) => generateText(options(script, more));
  const stream = (script, more) => streamText(options(script, { onError() {}, ...more }));
  const streamed = async (script, more) => {
    const result = stream(script, more);
    const parts = await all(result.fullStream);
    for (const part of parts) if (part.type === 'error') throw part.error;
    return result;
  };

  const withTools = async (call, script) => {
    const box = toolbox();
    const result = await call(script, {
      stopWhen: stepCountIs(5),
      tools: {
        get_weather: tool({ description: 'The weather', inputSchema: schemaOf(weatherSchema), execute: box.get_weather }),
        get_time: tool({ description: 'The time', inputSchema: schemaOf(timeSchema), execute: box.get_time }),
      },
    });
    return { box, text: await result.text, steps: await result.steps };
  };

  const checkUsage = (usage, tokens) => assert.deepEqual([usage.inputTokens, usage.inputTokenDetails.cacheReadTokens, usage.outputTokens, usage.totalTokens], [20, 5, tokens, 20 + tokens]);

  return {
    async 'streamed text'() {
      const result = stream('text');
      assert.equal((await all(result.textStream)).join(''), expected.text);
      assert.equal(await result.text, expected.text);
      assert.equal(await result.finishReason, 'stop');
      checkUsage(await result.usage, expected.tokens);
    },

    async 'whole text'() {
      const result = await generate('text');
      assert.equal(result.text, expected.text);
      assert.equal(result.finishReason, 'stop');
      checkUsage(result.usage, expected.tokens);
    },

    async 'length limit'() {
      assert.equal((await generate('long')).finishReason, 'length');
      assert.equal(await (await streamed('long')).finishReason, 'length');
    },

    async reasoning() {
      for (const call of [generate, streamed]) {
        const result = await call('reasoning');
        assert.equal(await result.reasoningText, expected.reasoning);
        assert.equal(await result.text, expected.text);
      }
    },

    async 'parallel tools and their results'() {
      for (const call of [generate, streamed]) {
        const { box, text, steps } = await withTools(call, 'parallel');
        box.check();
        assert.equal(text, results);
        assert.deepEqual(steps.map(s => [s.toolCalls.length, s.finishReason]), [[2, 'tool-calls'], [0, 'stop']]);
      }
    },

    async 'tools in several steps'() {
      for (const call of [generate, streamed]) {
        const { box, text, steps } = await withTools(call, 'steps');
        box.check();
        assert.equal(text, results);
        assert.deepEqual(steps.map(s => s.text), ['I look.', '', results]);
      }
    },

    async 'structured output'() {
      for (const call of [generate, streamed]) {
        const result = await call('json', { output: Output.object({ schema: schemaOf(jsonSchema) }) });
        assert.deepEqual(await result.output, expected.json);
      }
    },

    async abort() {
      const abort = new AbortController();
      let seen = 0;
      const parts = await all(stream('endless', { abortSignal: abort.signal }).fullStream, part => part.type === 'text-delta' && ++seen === 3 && abort.abort());
      assert.equal(parts.at(-1).type, 'abort');
      assert.ok(seen < 50, `It read on: ${seen}`);
    },

    async 'errors before the answer'() {
      for (const call of [generate, streamed]) {
        const busy = await errorOf(APICallError, () => call('busy'));
        assert.equal(busy.statusCode, 429);
        assert.equal(busy.isRetryable, true);
        assert.ok(busy.message.includes('limiting requests'), busy.message);
        assert.equal((await errorOf(APICallError, () => call('refused'))).statusCode, 502);
        assert.equal((await errorOf(APICallError, () => call('nobody/m'))).statusCode, 404);
      }
    },

    async 'errors within the answer'() {
      for (const script of ['cut', 'broken']) {
        const result = stream(script);
        const parts = await all(result.fullStream);
        assert.equal(parts.filter(p => p.type === 'text-delta').map(p => p.text).join(''), expected.text);
        assert.equal(parts.filter(p => p.type === 'error').length, 1, JSON.stringify(parts.slice(-3)));
        const ending = parts.find(p => p.type === 'finish');
        assert.ok(!ending || !['stop', 'length', 'tool-calls'].includes(ending.finishReason), JSON.stringify(ending));
      }
    },
  };
};

/** Reasoning whose signature goes back with a tool's result, in protocols that have a place for it. */
export const signedScenario = (language, providerOptions, showsReasoning = true) => async () => {
  for (const call of [generateText, streamText]) {
    const box = toolbox();
    const result = await call({
      model: language('signed'),
      prompt: 'Say something.',
      providerOptions,
      maxRetries: 0,
      stopWhen: stepCountIs(5),
      tools: { get_weather: tool({ inputSchema: schemaOf(weatherSchema), execute: box.get_weather }) },
    });
    assert.equal(await result.text, `get_weather: 21 degrees; signed ${expected.signature}`);
    if (showsReasoning) assert.equal((await result.steps)[0].reasoningText, expected.reasoning);
  }
};
