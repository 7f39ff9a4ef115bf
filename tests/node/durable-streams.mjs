// @durable-streams/client, driven from the command line; prints what it got as JSON.
import { DurableStream, IdempotentProducer, stream } from "@durable-streams/client";

const [mode, url, ...rest] = process.argv.slice(2);

const modes = {
  // Creates a stream and appends so many numbered items; closes it if asked.
  async produce(count, close) {
    const handle = await DurableStream.create({ url, contentType: "application/json" });
    const errors = [];
    const producer = new IdempotentProducer(handle, "node", { autoClaim: true, maxBatchBytes: 200, lingerMs: 1, onError: (e) => errors.push(String(e)) });
    for (let n = 0; n < Number(count); n++) {
      producer.append(JSON.stringify({ n }));
      if (n % 10 === 0) await new Promise((resolve) => setTimeout(resolve, 1));
    }
    await producer.flush();
    if (close) await producer.close();
    else await producer.detach();
    return { errors, next: (await handle.head()).offset };
  },

  // Reads what there is.
  async read(offset) {
    const reply = await stream({ url, live: false, ...(offset && { offset }) });
    return { items: await reply.json(), next: reply.offset };
  },

  // Follows until the stream is closed.
  async tail(live, offset) {
    const reply = await stream({ url, live, offset: offset ?? "-1" });
    const items = [];
    for await (const item of reply.jsonStream()) items.push(item);
    return { items, next: reply.offset, closed: reply.streamClosed };
  },

  async append(text) {
    const handle = await DurableStream.connect({ url });
    await handle.append(text);
    await handle.close();
    return { next: (await handle.head()).offset };
  },
};

process.stdout.write(JSON.stringify(await modes[mode](...rest)));
