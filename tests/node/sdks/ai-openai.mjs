import { createOpenAI } from '@ai-sdk/openai';
import { aiScenarios, signedScenario } from './ai.mjs';
import { model, provider, run, server } from './harness.mjs';

const openai = createOpenAI({ baseURL: `${server}v1`, apiKey: 'sk-client' });
const named = script => script.includes('/') ? script : model(script);
const responses = script => openai.responses(named(script));
const { reasoning, ...chat } = aiScenarios(script => openai.chat(named(script))); // it does not read reasoning through Chat Completions

await run({
  ...aiScenarios(responses),
  // Gemini signs calls, and the package drops a call's members that OpenAI does not have.
  ...(provider === 'gemini' ? {} : { 'a signature goes back': signedScenario(responses, { openai: { store: false, include: ['reasoning.encrypted_content'] } }) }),
  ...Object.fromEntries(Object.entries(chat).map(([name, scenario]) => [`chat: ${name}`, scenario])),
});
