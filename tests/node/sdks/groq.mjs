import * as sdk from 'groq-sdk';
import { chatScenarios } from './chat.mjs';
import { run, server } from './harness.mjs';

const client = new sdk.Groq({ apiKey: 'gsk_client', baseURL: server, maxRetries: 0 });

await run(chatScenarios(client, sdk));
