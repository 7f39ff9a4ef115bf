import { createGoogleGenerativeAI } from '@ai-sdk/google';
import { generateText } from 'ai';
import { aiScenarios, signedScenario } from './ai.mjs';
import { model, provider, run, server } from './harness.mjs';

const google = createGoogleGenerativeAI({ baseURL: `${server}v1beta`, apiKey: 'client' });
// The package takes a name with a slash for a whole path, as that of a tuned model.
const language = script => google(`models/${script.includes('/') ? script : model(script)}`);

// In a stream the package takes a thought's signature only beside some of the thought's text, and others say it after all of the text.
const calls = provider === 'gemini' ? undefined : [generateText];

await run({ ...aiScenarios(language), 'a signature goes back': signedScenario(language, undefined, calls) });
