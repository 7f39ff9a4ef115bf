import { createAnthropic } from '@ai-sdk/anthropic';
import { aiScenarios, signedScenario } from './ai.mjs';
import { model, run, server } from './harness.mjs';

const anthropic = createAnthropic({ baseURL: `${server}v1`, apiKey: 'sk-ant-client' });
const language = script => anthropic(script.includes('/') ? script : model(script));

// Models whose names it does not know are asked for JSON through a tool.
const anthropicOptions = { anthropic: { structuredOutputMode: 'outputFormat' } };

await run({
  ...aiScenarios(language, anthropicOptions),
  'a signature goes back': signedScenario(language),
});
