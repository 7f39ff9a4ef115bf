import assert from 'node:assert/strict';
import { HumanMessage, SystemMessage, ToolMessage } from '@langchain/core/messages';
import { tool } from '@langchain/core/tools';
import { ChatOpenAI } from '@langchain/openai';
import { APIError } from 'openai';
import { all, errorOf, expected, jsonSchema, model, provider, results, run, server, throwsMidStream, time, timeSchema, toolbox, weather, weatherSchema } from './harness.mjs';

const messages = [new SystemMessage('Be brief.'), new HumanMessage('Say something.')];
const chat = (script, more) => new ChatOpenAI({
  model: script.includes('/') ? script : model(script),
  apiKey: 'sk-client',
  configuration: { baseURL: `${server}v1` },
  maxRetries: 0,
  ...more,
});

const scenarios = more => {
  const ask = script => chat(script, more).invoke(messages);
  const stream = async (script, see) => all(await chat(script, more).stream(messages), chunk => see?.(chunk.text));
  const joined = chunks => chunks.reduce((all, chunk) => all.concat(chunk));
  const check = (message, tokens) => {
    assert.equal(message.text, expected.text);
    const { input_tokens, output_tokens, total_tokens, input_token_details } = message.usage_metadata;
    assert.deepEqual([input_tokens, output_tokens, total_tokens, input_token_details.cache_read], [20, tokens, 20 + tokens, 5]);
  };

  return {
    async 'streamed text'() {
      const chunks = await stream('text');
      assert.ok(chunks.length >= expected.tokens, 'It came in one piece.');
      check(joined(chunks), expected.tokens);
    },

    async 'whole text'() {
      check(await ask('text'), expected.tokens);
    },

    async reasoning() {
      for (const message of [joined(await stream('reasoning')), await ask('reasoning')]) {
        assert.equal(message.text, expected.text);
        assert.equal(message.contentBlocks.filter(b => b.type === 'reasoning').map(b => b.reasoning).join('')
          || message.additional_kwargs.reasoning_content, expected.reasoning);
      }
    },

    async 'parallel tools and their results'() {
      const box = toolbox();
      const tools = [
        tool(box.get_weather, { name: 'get_weather', description: 'The weather', schema: weatherSchema }),
        tool(box.get_time, { name: 'get_time', description: 'The time', schema: timeSchema }),
      ];
      const bound = chat('parallel', more).bindTools(tools);
      const chunks = await all(await bound.stream(messages));
      assert.ok(chunks.filter(c => c.tool_call_chunks?.length).length > 2, 'The arguments came in one piece.');
      for (const message of [joined(chunks), await bound.invoke(messages)]) {
        assert.deepEqual(message.tool_calls.map(c => [c.name, c.args]), [['get_weather', expected.weatherArguments], ['get_time', {}]]);
        const answers = await Promise.all(message.tool_calls.map((call, i) => tools[i].invoke(call)));
        assert.ok(answers.every(a => a instanceof ToolMessage));
        assert.deepEqual(answers.map(a => a.content), [weather, time]);
        const turn = [...messages, message, ...answers];
        assert.equal((await bound.invoke(turn)).text, results);
        assert.equal(joined(await all(await bound.stream(turn))).text, results);
      }
    },

    // The library knows nothing of signatures: what is left is the id of a call that Gemini signed.
    ...(provider === 'gemini' && {
      async 'a signature goes back'() {
        const box = toolbox();
        const only = tool(box.get_weather, { name: 'get_weather', description: 'The weather', schema: weatherSchema });
        const bound = chat('signed', more).bindTools([only]);
        for (const message of [joined(await all(await bound.stream(messages))), await bound.invoke(messages)]) {
          const answer = await only.invoke(message.tool_calls[0]);
          assert.equal((await bound.invoke([...messages, message, answer])).text, `get_weather: ${weather}; signed ${expected.signature}`);
        }
      },
    }),

    async 'structured output'() {
      const structured = chat('json', more).withStructuredOutput(jsonSchema, { name: 'weather', method: 'jsonSchema', strict: true });
      assert.deepEqual(await structured.invoke(messages), expected.json);
    },

    async abort() {
      const abort = new AbortController();
      let seen = 0;
      await errorOf(Error, async () => {
        for await (const chunk of await chat('endless', more).stream(messages, { signal: abort.signal })) {
          if (chunk.text && ++seen === 3) abort.abort();
        }
      });
      assert.ok(seen < 50, `It read on: ${seen}`);
    },

    async 'errors before the answer'() {
      for (const call of [ask, stream]) {
        assert.equal((await errorOf(APIError, () => call('busy'))).status, 429);
        assert.equal((await errorOf(APIError, () => call('refused'))).status, 502);
        assert.equal((await errorOf(APIError, () => call('nobody/m'))).status, 404);
      }
    },

    async 'errors within the answer'() {
      for (const script of ['cut', 'broken']) await throwsMidStream(Error, see => stream(script, see));
    },
  };
};

await run({
  ...scenarios({ useResponsesApi: false }),
  ...Object.fromEntries(Object.entries(scenarios({ useResponsesApi: true })).map(([name, scenario]) => [`responses: ${name}`, scenario])),
});
