import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server as TcpServer, type Socket } from 'node:net';

/** Decides what becomes of the server's bytes on one connection. */
export interface Wire {
  /** The client has sent something. */
  asked?(request: string, cut: () => void): void;
  /** The server has: what of it to pass on now. */
  said(data: Buffer, cut: () => void, pass: (data: Buffer) => void): Buffer | undefined;
  /** The server has closed: what to pass on before. */
  closed?(): Buffer | undefined;
}

/** A relay before a server that treats it as the net does. */
export class Proxy {
  connections = 0;
  cuts = 0;
  #listener: TcpServer;
  #open = new Set<Socket>();

  private constructor(port: number, wire: () => Wire) {
    this.#listener = createServer(client => {
      this.connections++;
      const rules = wire();
      const server = connect(port, '127.0.0.1');
      const close = () => { client.destroy(); server.destroy(); };
      const cut = () => { this.cuts++; client.resetAndDestroy(); server.destroy(); };
      for (const socket of [client, server]) {
        socket.setNoDelay(true);
        this.#open.add(socket);
        socket.on('error', close).on('close', () => this.#open.delete(socket));
      }
      client.on('data', data => { rules.asked?.(data.toString('latin1'), cut); server.write(data); }).on('close', () => server.destroy());
      server.on('data', data => { const now = rules.said(data, cut, late => client.write(late)); if (now?.length) client.write(now); });
      server.on('close', () => { const last = rules.closed?.(); if (last?.length) client.write(last); client.end(); });
    });
    this.#listener.listen(0, '127.0.0.1');
  }

  static async before(server: { port: number }, wire: () => Wire): Promise<Proxy> {
    const proxy = new Proxy(server.port, wire);
    await once(proxy.#listener, 'listening');
    return proxy;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#listener.address() as AddressInfo).port}`;
  }

  /** Breaks all that is open. */
  drop(): void {
    for (const socket of this.#open) socket.destroy();
  }

  dispose(): void {
    this.#listener.close();
    this.drop();
  }
}

/** Cuts the reply to the first request that says `X-Cut: <run>/<bytes>`, after so many bytes of it. */
export function cutsWhereAsked(seen = new Set<string>()): () => Wire {
  return () => {
    let left = Infinity;
    return {
      asked(request) {
        const [, run, bytes] = /x-cut: (\w+)\/(\d+)/i.exec(request) ?? [];
        left = run !== undefined && !seen.has(run) ? Number(bytes) : Infinity;
        if (run !== undefined) seen.add(run);
      },
      said(data, cut) {
        if (data.length <= left) { left -= data.length; return data; }
        // What was let through goes out before the reset.
        setTimeout(cut, 5);
        const head = data.subarray(0, left);
        left = 0;
        return head;
      },
    };
  };
}

/** Cuts each connection when it is so old. */
export function cutsAtAge(ms: number): () => Wire {
  return () => {
    let timer: NodeJS.Timeout | undefined;
    return { said(data, cut) { timer ??= setTimeout(cut, ms); return data; } };
  };
}

/** Holds bytes back until there are so many, or the server closes. */
export function buffers(bytes: number): () => Wire {
  return () => {
    let held = Buffer.alloc(0);
    const flush = () => { const all = held; held = Buffer.alloc(0); return all; };
    return {
      said(data) {
        held = Buffer.concat([held, data]);
        // The end of a chunked body.
        return held.length >= bytes || held.subarray(-5).toString('latin1') === '0\r\n\r\n' || !held.includes('text/event-stream') ? flush() : undefined;
      },
      closed: flush,
    };
  };
}

/** Says nothing more after so many bytes of the first connection, and closes nothing. */
export function freezesAfter(bytes: number): () => Wire {
  let first = true;
  return () => {
    let left = first ? bytes : Infinity;
    first = false;
    return { said(data) { const now = data.subarray(0, left); left -= now.length; return now; } };
  };
}

/** Passes on so many bytes each 20 milliseconds. */
export function drips(bytes: number): () => Wire {
  return () => {
    let held = Buffer.alloc(0);
    let timer: NodeJS.Timeout | undefined;
    return {
      said(data, _, pass) {
        held = Buffer.concat([held, data]);
        timer ??= setInterval(() => { pass(held.subarray(0, bytes)); held = held.subarray(bytes); }, 20);
        return undefined;
      },
      closed() { clearInterval(timer); return undefined; },
    };
  };
}
