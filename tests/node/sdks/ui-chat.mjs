// The AI SDK's chat, as useChat has it, without the hook: its transport and its way of putting a message together.
import assert from 'node:assert/strict';
import { AbstractChat, DefaultChatTransport, lastAssistantMessageIsCompleteWithToolCalls } from 'ai';
import { expected, model, results, run, server, time, timeSchema, weather, weatherSchema } from './harness.mjs';

class State {
  status = 'ready';
  error = undefined;
  messages = [];
  pushMessage = message => { this.messages = [...this.messages, message]; };
  popMessage = () => { this.messages = this.messages.slice(0, -1); };
  replaceMessage = (index, message) => { this.messages = this.messages.with(index, structuredClone(message)); };
  snapshot = structuredClone;
}

class Chat extends AbstractChat {
  constructor(options) {
    const state = new State();
    state.messages = options.messages ?? [];
    super({ ...options, state });
  }
}

const tools = [
  { type: 'function', function: { name: 'get_weather', description: 'The weather', parameters: weatherSchema } },
  { type: 'function', function: { name: 'get_time', description: 'The time', parameters: timeSchema } },
];
const transport = (script, body) => new DefaultChatTransport({ api: `${server}api/chat`, body: { model: model(script), system: 'Be brief.', ...body } });
const chatOf = (script, options, body) => new Chat({ id: `${script}-${crypto.randomUUID()}`, transport: transport(script, body), ...options });
const partsOf = (chat, type) => chat.lastMessage.parts.filter(part => part.type === type);
const textOf = chat => partsOf(chat, 'text').map(part => part.text).join('');
const until = async condition => {
  while (!condition()) await new Promise(done => setTimeout(done, 5));
};

await run({
  async 'streamed text'() {
    let finished;
    const chat = chatOf('text', { onFinish: event => finished = event });
    await chat.sendMessage({ text: 'Say something.' });
    assert.equal(chat.status, 'ready', chat.error?.message);
    assert.equal(textOf(chat), expected.text);
    assert.equal(chat.lastMessage.role, 'assistant');
    assert.deepEqual([finished.finishReason, finished.isAbort, finished.isError], ['stop', false, false]);
    assert.ok(partsOf(chat, 'text').every(part => part.state === 'done'));
    await chat.regenerate();
    assert.equal(chat.messages.length, 2);
    assert.equal(textOf(chat), expected.text);
  },

  async 'length limit'() {
    let finished;
    await chatOf('long', { onFinish: event => finished = event }).sendMessage({ text: 'Say something.' });
    assert.equal(finished.finishReason, 'length');
  },

  async reasoning() {
    const chat = chatOf('reasoning');
    await chat.sendMessage({ text: 'Say something.' });
    assert.equal(partsOf(chat, 'reasoning').map(part => part.text).join(''), expected.reasoning);
    assert.equal(textOf(chat), expected.text);
  },

  async 'parallel tools'() {
    const calls = [];
    const chat = chatOf('parallel', {
      sendAutomaticallyWhen: lastAssistantMessageIsCompleteWithToolCalls,
      onToolCall({ toolCall }) {
        calls.push([toolCall.toolName, toolCall.input]);
        chat.addToolOutput({ tool: toolCall.toolName, toolCallId: toolCall.toolCallId, output: toolCall.toolName === 'get_weather' ? weather : time });
      },
    }, { tools });
    await chat.sendMessage({ text: 'Say something.' });
    await until(() => chat.status === 'error' || textOf(chat));
    await until(() => chat.status !== 'streaming' && chat.status !== 'submitted');
    assert.deepEqual(calls, [['get_weather', expected.weatherArguments], ['get_time', {}]]);
    assert.equal(textOf(chat), results, chat.error?.message);
  },

  async 'signed reasoning'() {
    const chat = chatOf('signed', {
      sendAutomaticallyWhen: lastAssistantMessageIsCompleteWithToolCalls,
      onToolCall: ({ toolCall }) => void chat.addToolOutput({ tool: toolCall.toolName, toolCallId: toolCall.toolCallId, output: weather }),
    }, { tools });
    await chat.sendMessage({ text: 'Say something.' });
    await until(() => chat.status === 'error' || textOf(chat));
    await until(() => chat.status !== 'streaming' && chat.status !== 'submitted');
    assert.match(textOf(chat), /get_weather: 21 degrees; signed/, chat.error?.message);
  },

  async 'resume'() {
    const [script, id] = ['paced', `resume-${crypto.randomUUID()}`];
    const first = new Chat({ id, transport: transport(script, { tools }) });
    const asked = first.sendMessage({ text: 'Say something.' });
    await until(() => first.lastMessage?.role === 'assistant' && partsOf(first, 'reasoning')[0]?.text);
    const page = new Chat({ id, transport: transport(script, { tools }), messages: [first.messages[0]] });
    await page.resumeStream();
    await asked;
    assert.deepEqual(page.lastMessage.parts, first.lastMessage.parts);
    assert.equal(page.lastMessage.id, first.lastMessage.id);
    await page.resumeStream();
    assert.equal(page.messages.length, 2); // nothing runs
  },

  async abort() {
    const chat = chatOf('endless');
    const asked = chat.sendMessage({ text: 'Say something.' });
    await until(() => chat.lastMessage?.role === 'assistant' && textOf(chat).length > 20);
    await chat.stop();
    await asked;
    assert.equal(chat.status, 'ready');
  },

  async errors() {
    for (const script of ['busy', 'refused']) {
      const chat = chatOf(script);
      await chat.sendMessage({ text: 'Say something.' });
      assert.equal(chat.status, 'error');
      assert.ok(chat.error.message && !chat.error.message.includes('{'), chat.error.message);
    }
  },

  async 'error in the stream'() {
    for (const script of ['broken', 'cut']) {
      const chat = chatOf(script);
      await chat.sendMessage({ text: 'Say something.' });
      assert.equal(chat.status, 'error');
      assert.ok(chat.error.message);
      assert.equal(textOf(chat), expected.text);
    }
  },
});
