import { createOpenAI } from '@ai-sdk/openai';
import { aiScenarios, signedScenario } from './ai.mjs';
import { model, provider, run, server } from './harness.mjs';

const openai = createOpenAI({ baseURL: `${server}v1`, apiKey: 'sk-client' });
const named = script => script.includes('/') ? script : model(script);
const responses = script => openai.responses(named(script));
const { reasoning, ...chat } = aiScenarios(script => openai.chat(named(script))); // it does not read reasoning through Chat Completions

await run({
  ...aiScenarios(responses),
  'a signature goes back': signedScenario(responses, { openai: { store: false, include: ['reasoning.encrypted_content'] } }),
  // The package drops reasoning here, and a call's members that OpenAI does not have: what is left is the id of a call that Gemini signed.
  ...(provider === 'gemini' ? { 'chat: a signature goes back': signedScenario(script => openai.chat(named(script)), undefined, false) } : {}),
  ...Object.fromEntries(Object.entries(chat).map(([name, scenario]) => [`chat: ${name}`, scenario])),
});
