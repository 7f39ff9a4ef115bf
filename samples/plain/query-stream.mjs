// POST /query/stream, with nothing but fetch: node query-stream.mjs [PROMPT]
// It goes on where a connection was cut: a POST with the last id, and no body, resumes.
const server = process.env.PENSTOCK_SERVER ?? 'http://localhost:8000';
const body = JSON.stringify({ prompt: process.argv[2] ?? 'Tell me about rivers.' });
let lastId = null;

for (let tries = 0; tries < 10; tries++) {
  try {
    const reply = await fetch(`${server}/query/stream`, lastId === null
      ? { method: 'POST', headers: { 'Content-Type': 'application/json' }, body }
      : { method: 'POST', headers: { 'Last-Event-ID': lastId } });
    if (!reply.ok) throw new Error(`${reply.status}: ${await reply.text()}`);

    let text = '';
    for await (const piece of reply.body.pipeThrough(new TextDecoderStream())) {
      const frames = (text + piece).split('\n\n');
      text = frames.pop(); // a frame that is not whole yet; a cut discards it, and it comes again
      for (const frame of frames) {
        const of = name => frame.split('\n').filter(line => line.startsWith(`${name}: `)).map(line => line.slice(name.length + 2));
        const data = of('data').join('\n');
        if (of('event')[0] === 'error') throw Object.assign(new Error(data), { final: true });
        if (data === '[DONE]') process.exit(0);
        process.stdout.write(data);
        lastId = of('id')[0] ?? lastId;
        tries = 0;
      }
    }
  } catch (error) {
    if (error.final || lastId === null) throw error;
  }

  await new Promise(resolve => setTimeout(resolve, 250 * 2 ** Math.min(tries, 5)));
}

throw new Error('The server does not come back.');
