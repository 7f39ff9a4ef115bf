// AG-UI's client.
import assert from 'node:assert/strict';
import { HttpAgent } from '@ag-ui/client';
import { expected, model, results, run, server, time, timeSchema, weather, weatherSchema } from './harness.mjs';

const tools = [
  { name: 'get_weather', description: 'The weather', parameters: weatherSchema },
  { name: 'get_time', description: 'The time', parameters: timeSchema },
];
const agentOf = () => {
  const agent = new HttpAgent({ url: `${server}ag-ui` });
  agent.addMessage({ id: crypto.randomUUID(), role: 'user', content: 'Say something.' });
  return agent;
};
const ask = (agent, script, subscriber = {}) => agent.runAgent({ tools, forwardedProps: { model: model(script) } }, subscriber);
const textOf = agent => agent.messages.filter(message => message.role === 'assistant').map(message => message.content ?? '').join('');

await run({
  async 'streamed text'() {
    const agent = agentOf();
    const events = [];
    await ask(agent, 'text', { onEvent: ({ event }) => void events.push(event) });
    assert.equal(textOf(agent), expected.text);
    assert.equal(events[0].type, 'RUN_STARTED');
    assert.equal(events.at(-1).type, 'RUN_FINISHED');
    assert.ok(events.every(event => event.threadId === undefined || event.threadId === agent.threadId));
  },

  async reasoning() {
    const agent = agentOf();
    await ask(agent, 'reasoning');
    assert.equal(agent.messages.filter(message => message.role === 'reasoning').map(message => message.content).join(''), expected.reasoning);
    assert.equal(textOf(agent), expected.text);
  },

  async 'parallel tools'() {
    const agent = agentOf();
    await ask(agent, 'parallel');
    const calls = agent.messages.flatMap(message => message.toolCalls ?? []);
    assert.deepEqual(calls.map(call => [call.function.name, JSON.parse(call.function.arguments || '{}')]), [['get_weather', expected.weatherArguments], ['get_time', {}]]);
    for (const call of calls)
      agent.addMessage({ id: crypto.randomUUID(), role: 'tool', toolCallId: call.id, content: call.function.name === 'get_weather' ? weather : time });
    await ask(agent, 'parallel');
    assert.equal(textOf(agent), results);
  },

  async abort() {
    const agent = agentOf();
    let seen = 0;
    await ask(agent, 'endless', { onTextMessageContentEvent: () => { if (++seen === 3) agent.abortRun(); } }).catch(error => assert.match(String(error), /abort/i));
    assert.ok(seen >= 3);
  },

  async errors() {
    for (const script of ['busy', 'refused', 'broken', 'cut']) {
      let failed;
      await ask(agentOf(), script, { onRunErrorEvent: ({ event }) => void (failed = event), onRunFailed: ({ error }) => void (failed ??= error) }).catch(error => failed ??= error);
      assert.ok(failed?.message, `${script} ended well`);
    }
  },
});
