// Microsoft's fetch-event-source: node fetch-event-source.mjs METHOD URL [BODY]. Prints what it got as JSON.
// It is made for browsers, so it gets the few globals that it asks for.
globalThis.window = globalThis;
globalThis.document = { hidden: false, addEventListener() {}, removeEventListener() {} };
const { fetchEventSource } = await import('@microsoft/fetch-event-source');

const [method, url, body] = process.argv.slice(2);
const result = { events: [], opens: 0, errors: 0 };
await fetchEventSource(url, {
  method,
  body,
  headers: body ? { 'Content-Type': 'application/json' } : {},
  async onopen(response) {
    result.opens++;
    if (response.status === 200) return;
    result.status = response.status;
    result.body = await response.text();
    throw new Error('fatal');
  },
  onmessage(event) {
    if (event.data) result.events.push({ name: event.event || 'message', data: event.data, id: event.id });
  },
  onerror(error) {
    result.errors++;
    if (error.message === 'fatal') throw error;
    return 20; // milliseconds until it tries again
  },
}).catch(error => {
  if (error.message !== 'fatal') throw error;
});
console.log(JSON.stringify(result));
