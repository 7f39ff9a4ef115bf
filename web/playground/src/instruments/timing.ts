import type { PenstockEvent } from 'penstock';
import { silence, type Mark } from './marks';
import type { Recording } from './recordings';

export interface Point {
  readonly event: PenstockEvent;
  /** Milliseconds since the start. */
  readonly at: number;
}

export interface Stall {
  readonly from: number;
  readonly to: number;
  readonly cause: 'network' | 'hidden' | 'queue' | 'upstream' | 'start';
  readonly says: string;
}

export interface Timing {
  readonly points: readonly Point[];
  readonly marks: readonly Mark[];
  /** Whether the times are those at which this page got the events; otherwise they are spread evenly. */
  readonly wasThere: boolean;
  /** To the first piece, where this page asked. */
  readonly ttft: number | undefined;
  readonly total: number;
  readonly tokens: number;
  /** Tokens a second since the first piece. */
  readonly rate: number | undefined;
  readonly longest: number;
  readonly stalls: readonly Stall[];
}

const even = 25;

/** When what happened; `asked` is when this page asked for it, if it did. */
export function timingOf({ seen, marks }: Recording, asked: number | undefined, now: number): Timing {
  const wasThere = seen.some(s => s.live);
  const start = wasThere ? asked ?? Math.min(marks[0]?.at ?? Infinity, seen[0]!.event.at) : seen.length > 0 || asked === undefined ? 0 : asked;
  const points = seen.map(({ event }, i): Point => ({ event, at: wasThere ? Math.max(0, event.at - start) : i * even }));
  const pieces = points.filter(p => p.event.type === 'delta');
  const told = points.findLast(p => p.event.type === 'usage')?.event as { outputTokens?: number } | undefined;
  const [first, last] = [pieces[0]?.at, pieces.at(-1)?.at];
  const own = wasThere ? marks.map(mark => ({ ...mark, at: Math.max(0, mark.at - start) })).sort((a, b) => a.at - b.at) : [];
  const tokens = told?.outputTokens ?? pieces.length;
  const isOver = seen.length > 0 && /^(?:finished|stopped|failed|interrupted)$/.test(seen.at(-1)!.event.type);
  const end = isOver || !wasThere ? points.at(-1)?.at ?? 0 : now - start;
  const times = [0, ...points.map(p => p.at), ...(isOver ? [] : [end])];
  return {
    points, marks: own.filter(({ kind }) => kind !== 'quiet' && kind !== 'behind' && kind !== 'queued'), wasThere, tokens,
    ttft: wasThere && asked !== undefined ? first : undefined,
    total: Math.max(end, own.at(-1)?.at ?? 0),
    rate: wasThere && first !== undefined && last! > first ? (pieces.length - 1) / ((last! - first) / 1000) : undefined,
    longest: wasThere ? Math.max(0, ...points.slice(1).map((p, i) => p.at - points[i]!.at)) : 0,
    stalls: wasThere ? stallsOf(times, own, points[0]?.at ?? end) : [],
  };
}

/** The silences that a person notices, and why they were. */
function stallsOf(times: readonly number[], marks: readonly Mark[], firstEvent: number): Stall[] {
  const gaps = times.slice(1).map((time, i) => time - times[i]!);
  const usual = [...gaps].sort((a, b) => a - b)[Math.floor(gaps.length / 2)] ?? 0;
  const least = Math.max(silence, Math.min(usual * 8, 5000));
  const stalls: Stall[] = [];
  gaps.forEach((gap, i) => {
    if (gap < least) return;
    const [from, to] = [times[i]!, times[i + 1]!];
    stalls.push({ from, to, ...reasonFor(from, to, marks, to <= firstEvent) });
  });
  return stalls;
}

function reasonFor(from: number, to: number, marks: readonly Mark[], isStart: boolean): Pick<Stall, 'cause' | 'says'> {
  const within = marks.filter(mark => mark.at >= from - 50 && mark.at <= to);
  if (within.some(m => m.kind === 'reload')) return { cause: 'network', says: 'The page was reloaded; what was written meanwhile came when it was back.' };
  if (within.some(m => m.kind === 'kill')) return { cause: 'network', says: 'The server was killed; the answer went on when it was back.' };
  if (within.some(m => m.kind === 'cut')) return { cause: 'network', says: 'The connection was away; what was written meanwhile came at once when it was back.' };
  const shownLast = marks.findLast(m => m.at <= to && (m.kind === 'hidden' || m.kind === 'visible'));
  if (within.some(m => m.kind === 'hidden') || (shownLast?.kind === 'hidden' && shownLast.at <= from)) return { cause: 'hidden', says: 'The tab was hidden, and browsers let hidden tabs wait.' };
  if (within.some(m => m.kind === 'queued')) return { cause: 'queue', says: 'It waited for a worker: the server had queued it.' };
  // In the moment before the words that end it, what has been written may be on its way.
  const asked = within.filter(m => m.kind === 'quiet' || m.kind === 'behind');
  if (asked.length > 0 && asked.every(m => m.kind === 'behind')) return { cause: 'network', says: 'The server’s log had more than this page: it was on its way, or the page was busy.' };
  const beats = within.filter(m => m.kind === 'beat').length;
  const alive = beats > 0 ? `${beats === 1 ? 'A sign' : `${beats} signs`} of life came from the server: the connection was well` : 'The connection was not broken, the tab was in sight';
  const known = asked.length > 0 ? `${alive}, and its log had no more` : alive;
  return isStart
    ? { cause: 'start', says: `${known}. The answer waited for its turn, or the model for its first word.` }
    : { cause: 'upstream', says: `${known}. The model said nothing.` };
}

export function seconds(ms: number): string {
  return ms < 1000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(ms < 10_000 ? 2 : 1)} s`;
}
