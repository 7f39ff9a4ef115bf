// What the official SDKs make of a limit: node limits.mjs BASE_URL. One answer may run at once; up/slow takes a while.
import assert from 'node:assert/strict';
import OpenAI from 'openai';
import Anthropic from '@anthropic-ai/sdk';

const base = process.argv[2].replace(/\/$/, '');
const messages = [{ role: 'user', content: 'Say something.' }];

const sdks = {
  openai: {
    sdk: OpenAI,
    client: maxRetries => new OpenAI({ baseURL: `${base}/v1`, apiKey: 'none', maxRetries }),
    start: (client, model) => client.chat.completions.create({ model, messages, stream: true }),
    remaining: 'x-ratelimit-remaining-requests',
  },
  anthropic: {
    sdk: Anthropic,
    client: maxRetries => new Anthropic({ baseURL: base, apiKey: 'none', maxRetries }),
    start: (client, model) => client.messages.create({ model, messages, max_tokens: 50, stream: true }),
    remaining: 'anthropic-ratelimit-requests-remaining',
  },
};

async function drain(stream) {
  let count = 0;
  for await (const _ of stream) count++;
  return count;
}

for (const [name, { sdk, client, start, remaining }] of Object.entries(sdks)) {
  const held = await start(client(0), 'up/slow');
  const refused = await start(client(0), 'up/quick').then(() => assert.fail('It was let in.'), error => error);
  assert.ok(refused instanceof sdk.RateLimitError, `${refused}`);
  assert.equal(refused.status, 429);
  assert.equal(refused.headers.get('retry-after-ms'), '1000');
  assert.ok(Number(refused.headers.get(remaining)) > 0);

  // With retries it waits as long as it is told, and is let in.
  const begun = Date.now();
  const [, count] = await Promise.all([drain(held), start(client(5), 'up/quick').then(drain)]);
  assert.ok(count > 3);
  assert.ok(Date.now() - begun >= 950, `${Date.now() - begun} ms`);
  console.log(`ok ${name}`);
}
