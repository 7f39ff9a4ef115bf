// What the programs here share: node PROGRAM.mjs SERVER PROVIDER EXPECTED. Each runs all its scenarios against one provider and
// prints a line for each: "ok NAME", or "not ok NAME" and why.
import assert from 'node:assert/strict';

export const [server, provider] = process.argv.slice(2);

/** What the provider says, in no protocol's words. */
export const expected = JSON.parse(process.argv[4]);

/** The model that plays a script of the provider. */
export const model = script => `${provider}/${script}`;

const limit = 20_000;

export async function run(scenarios) {
  const only = process.env.SCENARIO;
  let failed = 0;
  for (const [name, scenario] of Object.entries(scenarios)) {
    if (only && only !== name) continue;
    const begun = performance.now();
    let timer;
    try {
      const late = new Promise((_, reject) => timer = setTimeout(() => reject(new Error('It hangs.')), limit));
      await Promise.race([scenario(), late]);
      console.log(`ok ${name} (${Math.round(performance.now() - begun)} ms)`);
    } catch (error) {
      failed++;
      console.log(`not ok ${name}: ${error.stack}`);
    } finally {
      clearTimeout(timer);
    }
  }
  process.exit(failed ? 1 : 0);
}

/** The error that a call must end with. `type` is the SDK's own class. */
export async function errorOf(type, call) {
  try {
    const got = await call();
    assert.fail(`It ended well, with ${JSON.stringify(got)?.slice(0, 500)}`);
  } catch (error) {
    if (error instanceof assert.AssertionError) throw error;
    assert.ok(error instanceof type, `Not ${type.name} but ${error.constructor.name}: ${error.stack}`);
    return error;
  }
}

/** All items of a stream; `see` is told of each. */
export async function all(stream, see) {
  const items = [];
  for await (const item of stream) {
    items.push(item);
    see?.(item);
  }
  return items;
}

/** What was seen of a stream until it threw must be the beginning of the text, and the throw of the SDK's own class. */
export async function throwsMidStream(type, read) {
  let text = '';
  const error = await errorOf(type, () => read(piece => text += piece));
  assert.equal(text, expected.text);
  assert.ok(error.message, 'The error says nothing.');
  return error;
}

export const weatherSchema = { type: 'object', properties: { city: { type: 'string' }, unit: { type: 'string' } }, required: ['city', 'unit'], additionalProperties: false };
export const timeSchema = { type: 'object', properties: {}, required: [], additionalProperties: false };
export const jsonSchema = {
  type: 'object',
  properties: { city: { type: 'string' }, degrees: { type: 'number' } },
  required: ['city', 'degrees'],
  additionalProperties: false,
};

/** What the tools give, and what the provider says when it has both. */
export const weather = '21 degrees';
export const time = 'noon';
export const results = `get_weather: ${weather}; get_time: ${time}`;

/** Tools that an SDK runs by itself; `calls` keeps what they were called with. */
export function toolbox() {
  const calls = [];
  return {
    calls,
    get_weather: input => (calls.push(['get_weather', input]), weather),
    get_time: input => (calls.push(['get_time', input]), time),
    check() {
      assert.deepEqual(calls.map(([name, input]) => [name, input ?? {}]), [['get_weather', expected.weatherArguments], ['get_time', {}]]);
    },
  };
}
