// A fetch for the official SDKs whose event streams go on where they were cut. The SDK sees one stream without a gap.

/** @param {typeof fetch} fetch @returns {typeof globalThis.fetch} */
export function resuming(fetch = globalThis.fetch, { tries = 10, pause = 250 } = {}) {
  return async (url, init) => {
    const first = await fetch(url, init);
    if (!first.ok || !first.headers.get('content-type')?.startsWith('text/event-stream')) return first;
    return new Response(ReadableStream.from(frames(first)), { status: first.status, headers: first.headers });

    async function* frames(reply) {
      const decoder = new TextDecoder();
      const encoder = new TextEncoder();
      let lastId = null;
      for (let failed = 0; ;) {
        let text = '';
        try {
          for await (const bytes of reply?.body ?? []) {
            text += decoder.decode(bytes, { stream: true });
            const end = text.lastIndexOf('\n\n') + 2; // the rest is half a frame: a cut discards it, and it comes again
            if (end === 1) continue;
            lastId = [...text.slice(0, end).matchAll(/^id: (.*)$/gm)].at(-1)?.[1] ?? lastId;
            yield encoder.encode(text.slice(0, end));
            text = text.slice(end);
            failed = 0;
          }
        } catch (error) {
          if (init?.signal?.aborted) throw error;
        }

        // Whether the stream was cut or is over is the server's to say: it answers 204 to whoever has all of it.
        if (lastId === null || failed++ === tries) throw new Error('The stream was cut, and cannot be resumed.');
        decoder.decode();
        if (failed > 1) await new Promise(resolve => setTimeout(resolve, pause * 2 ** Math.min(failed, 5)));
        reply = await fetch(url, { method: 'POST', headers: { ...bare(init.headers), 'last-event-id': lastId }, signal: init.signal }).catch(() => null);
        if (reply?.status === 204) return;
        if (reply && !reply.ok && reply.status < 500) throw new Error(`${reply.status}: ${await reply.text()}`);
        if (reply && !reply.ok) reply = null;
      }
    }
  };
}

// The request's own headers, its key among them, but for those of the body that a resume has not.
function bare(headers) {
  const { 'content-type': _, 'content-length': __, ...rest } = Object.fromEntries(new Headers(headers));
  return rest;
}
