// POST /ask: a job with a name of yours, looked at whenever you like: node ask.mjs [NAME] [QUERY]
// Run it twice with one name: the second gets the answer that is there, and nobody is asked again.
const server = process.env.PENSTOCK_SERVER ?? 'http://localhost:8000';
const uuid = process.argv[2] ?? crypto.randomUUID();
const query = process.argv[3] ?? 'Tell me about rivers.';

const reply = await fetch(`${server}/ask`, { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify({ query, uuid }) });
if (!reply.ok) throw new Error(`${reply.status}: ${await reply.text()}`);
console.error(`accepted as ${uuid}`);

let job;
do {
  await new Promise(resolve => setTimeout(resolve, 250));
  job = await (await fetch(`${server}/v1/generations/${uuid}`)).json();
} while (job.status === 'queued' || job.status === 'running');
if (job.status !== 'finished') throw new Error(job.error?.message ?? job.status);
console.log(job.text);
