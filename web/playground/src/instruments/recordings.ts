import { isEnding, type Connection, type PenstockEvent, type Send, type Snapshot } from 'penstock';
import { Observable, useObserved } from '../observable';
import { silence, type Mark, type MarkKind } from './marks';
import { wire } from './wire';

/** An event as this page got it; one that is not live had happened before, and its time says nothing. */
export interface Seen {
  readonly event: PenstockEvent;
  readonly live: boolean;
}

/** All that this page got of a generation, in the order in which it came. */
export interface Recording {
  readonly generation: string;
  /** It has what comes after this offset; what was before came as a snapshot, or not at all. */
  readonly from: number;
  readonly seen: Seen[];
  readonly marks: Mark[];
}

const place = 'penstock:recordings';
const mostKept = 2_000_000;
const most = 40;

/** What the page's reader got of each generation, over reloads too. The instruments show it. */
class Recordings extends Observable {
  #all = new Map<string, Recording>();
  /** How many read each one now. */
  #readers = new Map<string, number>();
  #version = 0;
  #soon: ReturnType<typeof setTimeout> | undefined;

  constructor() {
    super();
    this.#load();
    wire.listen({
      onBeat: at => this.markAll('beat', at),
      onStop: (generation, asked, answered) => {
        this.#mark(generation, 'stop', asked);
        this.#mark(generation, 'stopped', answered);
      },
    });
    document.addEventListener('visibilitychange', () => this.markAll(document.visibilityState === 'visible' ? 'visible' : 'hidden'));
    addEventListener('pagehide', () => this.#save());
  }

  /** Grows with every change; a few times a second at most. */
  get version(): number {
    return this.#version;
  }

  get(generation: string): Recording | undefined {
    return this.#all.get(generation);
  }

  isRead(generation: string): boolean {
    return this.#readers.has(generation);
  }

  /** Reads as the connection does, and keeps what comes. */
  async *read(connection: Connection, generation: string, after: number, options: Parameters<Connection['follow']>[2], isOver: boolean): AsyncGenerator<PenstockEvent, void, void> {
    const recording = this.#open(generation, after);
    // What the page has meanwhile read in one piece is read once more, in its pieces.
    const at = lastOf(recording);
    const onState: typeof options.onState = (state, error) => {
      // However often it is tried in vain, it was cut once.
      const isCut = recording.marks.findLast(m => m.kind === 'cut' || m.kind === 'back')?.kind === 'cut';
      if (state === 'reconnecting' && !isCut) this.#mark(generation, 'cut');
      else if (state === 'streaming' && isCut) this.#mark(generation, 'back');
      options.onState?.(state, error);
    };
    this.#mark(generation, recording.seen.length > 0 ? 'resume' : 'attach');
    this.#readers.set(generation, (this.#readers.get(generation) ?? 0) + 1);
    try {
      for await (const event of connection.follow(generation, Math.min(at, after), { ...options, onState })) {
        if (event.offset > lastOf(recording)) {
          recording.seen.push({ event, live: !isOver && !event.replay && event.offset > after });
          this.#tell();
        }
        if (event.offset > after) yield event;
      }
    } finally {
      const left = this.#readers.get(generation)! - 1;
      if (left > 0) this.#readers.set(generation, left);
      else this.#readers.delete(generation);
      this.#tell();
    }
  }

  #open(generation: string, after: number): Recording {
    let recording = this.#all.get(generation);
    if (!recording) {
      recording = { generation, from: after, seen: [], marks: [] };
      this.#all.set(generation, recording);
      for (const old of [...this.#all.keys()].slice(0, -most)) if (!this.#readers.has(old)) this.#all.delete(old);
    }
    return recording;
  }

  #mark(generation: string, kind: MarkKind, at = Date.now()): void {
    this.#all.get(generation)?.marks.push({ at, kind });
    this.#tell();
  }

  /** What the server says of its log; of use in a silence of ours. */
  compare({ id, status, offset }: Snapshot): void {
    const recording = this.#all.get(id);
    const heard = recording && (recording.seen.at(-1)?.event.received ?? recording.marks[0]?.at);
    if (heard === undefined || Date.now() - heard < silence) return;
    this.#mark(id, status === 'queued' ? 'queued' : offset > lastOf(recording!) ? 'behind' : 'quiet');
  }

  /** It happened to all that are read now. */
  markAll(kind: MarkKind, at?: number): void {
    for (const generation of this.#readers.keys()) this.#mark(generation, kind, at);
  }

  #tell(): void {
    this.#soon ??= setTimeout(() => {
      this.#soon = undefined;
      this.#version++;
      this.changed();
    }, 100);
  }

  // The newest first, as many as there is room for.
  #save(): void {
    this.markAll('reload');
    const kept: string[] = [];
    let size = 0;
    for (const recording of [...this.#all.values()].reverse()) {
      const json = JSON.stringify(recording);
      if ((size += json.length) > mostKept) break;
      kept.push(json);
    }
    try {
      sessionStorage.setItem(place, `[${kept.reverse().join(',')}]`);
    } catch {
      // There is no room: the next page begins anew.
    }
  }

  #load(): void {
    try {
      for (const recording of JSON.parse(sessionStorage.getItem(place) ?? '[]') as Recording[]) this.#all.set(recording.generation, recording);
      sessionStorage.removeItem(place);
    } catch {
      // As if there were none.
    }
  }
}

export const recordings = new Recordings();

/** A connection whose events are recorded. */
export function recorded(open: (send: Send) => Connection): (send: Send) => Connection {
  return send => {
    const connection = open(send);
    return { follow: (generation, after, options) => recordings.read(connection, generation, after, options, catchingUp.has(generation)) };
  };
}

/** Those that had ended before they were read here. */
export const catchingUp = new Set<string>();

export function useRecording(generation: string): Recording | undefined {
  useObserved(recordings, () => recordings.version);
  return recordings.get(generation);
}

/** The offset up to which it goes. */
export function lastOf({ seen, from }: Recording): number {
  return seen.at(-1)?.event.offset ?? from;
}

export function hasEnded({ seen }: Recording): boolean {
  const last = seen.at(-1);
  return last !== undefined && isEnding(last.event);
}

export function countOf({ marks }: Recording, ...kinds: MarkKind[]): number {
  return marks.filter(mark => kinds.includes(mark.kind)).length;
}
