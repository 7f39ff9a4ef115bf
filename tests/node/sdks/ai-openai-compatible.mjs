import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
import { aiScenarios } from './ai.mjs';
import { model, run, server } from './harness.mjs';

const penstock = createOpenAICompatible({ name: 'penstock', baseURL: `${server}v1`, apiKey: 'sk-client', includeUsage: true, supportsStructuredOutputs: true });

await run(aiScenarios(script => penstock(script.includes('/') ? script : model(script))));
