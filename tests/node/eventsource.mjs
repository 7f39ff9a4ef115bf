// A browser's EventSource as npm has it: node eventsource.mjs URL ENDING. Prints what it got as JSON.
// ENDING is the name of the event, or the type in its data, that ends the stream.
import { EventSource } from 'eventsource';

const [url, ending] = process.argv.slice(2);
const result = { events: [], opens: 0, errors: 0 };
const names = ['message', 'token', 'done', 'error', 'failed', 'started', 'block_start', 'delta', 'block_stop', 'usage', 'finished', 'stopped', 'interrupted'];

const source = new EventSource(url);
source.onopen = () => result.opens++;
for (const name of names) {
  source.addEventListener(name, event => {
    if (typeof event.data !== 'string') {
      result.errors++; // a lost connection; the client comes back by itself unless it was told not to
      if (source.readyState === EventSource.CLOSED) finish();
      return;
    }
    result.events.push({ name, data: event.data, id: event.lastEventId });
    const type = event.data.startsWith('{') ? JSON.parse(event.data).type : null;
    if (name === ending || type === ending) finish();
  });
}

function finish() {
  source.close();
  console.log(JSON.stringify(result));
}
