/** One event of an event stream. */
export interface SseFrame {
  readonly event: string;
  readonly data: string;
  /** Its own; empty for none. */
  readonly id: string;
}

/** Reads `text/event-stream`, fed with pieces of any size. A frame that the end cut off is never given out. */
export class SseReader {
  /** The pause before a reconnection that the server asked for, in milliseconds. */
  retry: number | undefined;
  /** The last id that stood in the stream: what a resume begins after. */
  lastId = '';
  #decoder = new TextDecoder();
  #rest = '';
  #wasReturn = false;
  #event = '';
  #data: string[] = [];
  #id = '';

  push(bytes: Uint8Array): SseFrame[] {
    const frames: SseFrame[] = [];
    const text = this.#decoder.decode(bytes, { stream: true });
    if (text === '') return frames;
    // The second half of a CRLF.
    let start = this.#wasReturn && text.startsWith('\n') ? 1 : 0;
    this.#wasReturn = text.endsWith('\r');
    const breaks = /\r\n|\n|\r/g;
    breaks.lastIndex = start;
    for (let match; (match = breaks.exec(text)); start = breaks.lastIndex) {
      this.#line(this.#rest + text.slice(start, match.index), frames);
      this.#rest = '';
    }
    this.#rest += text.slice(start);
    return frames;
  }

  #line(line: string, frames: SseFrame[]): void {
    if (line === '') {
      if (this.#id) this.lastId = this.#id;
      if (this.#data.length > 0) frames.push({ event: this.#event || 'message', data: this.#data.join('\n'), id: this.#id });
      this.#event = this.#id = '';
      this.#data = [];
      return;
    }
    const colon = line.indexOf(':');
    if (colon === 0) return;
    const name = colon < 0 ? line : line.slice(0, colon);
    let value = colon < 0 ? '' : line.slice(colon + 1);
    if (value.startsWith(' ')) value = value.slice(1);
    if (name === 'data') this.#data.push(value);
    else if (name === 'event') this.#event = value;
    else if (name === 'id' && !value.includes('\0')) this.#id = value;
    else if (name === 'retry' && /^\d+$/.test(value)) this.retry = Number(value);
  }
}
