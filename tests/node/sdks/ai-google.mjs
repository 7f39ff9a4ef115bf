import { createGoogleGenerativeAI } from '@ai-sdk/google';
import { aiScenarios, signedScenario } from './ai.mjs';
import { model, run, server } from './harness.mjs';

const google = createGoogleGenerativeAI({ baseURL: `${server}v1beta`, apiKey: 'client' });
// The package takes a name with a slash for a whole path, as that of a tuned model.
const language = script => google(`models/${script.includes('/') ? script : model(script)}`);

await run({ ...aiScenarios(language), 'a signature goes back': signedScenario(language) });
