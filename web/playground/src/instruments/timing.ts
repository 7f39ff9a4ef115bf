import type { PenstockEvent } from 'penstock';
import { silenceFor, wayFor, type Stall } from './stalls';
import { silence, type Mark } from './marks';
import type { Recording, Seen } from './recordings';

export interface Point {
  readonly event: PenstockEvent;
  /** Milliseconds since the start, when it was stored; when it came here where that is not known; spread evenly where neither is. */
  readonly at: number;
  /** When it came to this page, if the page was there. */
  readonly here: number | undefined;
}

/** What the times are that points have: the log's own, those at which this page got the events, or none. */
export type Clock = 'stored' | 'here' | 'none';

export interface Timing {
  readonly points: readonly Point[];
  readonly marks: readonly Mark[];
  readonly clock: Clock;
  /** Whether the page was there while it was written. */
  readonly wasThere: boolean;
  /** To the first piece: on this page where it asked, else at the server. */
  readonly ttft: number | undefined;
  readonly total: number;
  readonly tokens: number;
  /** Tokens a second since the first piece. */
  readonly rate: number | undefined;
  readonly longest: number;
  readonly stalls: readonly Stall[];
}

const even = 25;

/** When what happened; `asked` is when this page asked for it, if it did, and `created` when the server had the request, by its own clock. */
export function timingOf({ seen, marks }: Recording, asked: number | undefined, now: number, created?: number): Timing {
  const wasThere = seen.some(s => s.live);
  const stored = storedTimes(seen);
  const clock: Clock = stored ? 'stored' : wasThere ? 'here' : 'none';
  // The two clocks differ by no more than the fastest event took.
  const skew = stored && wasThere ? Math.min(...seen.map((s, i) => (s.live ? s.event.received - stored[i]! : Infinity))) : 0;
  const times = stored?.map(at => at + skew) ?? seen.map((s, i) => (wasThere ? s.event.received : i * even));
  const start = startOf();
  const points = seen.map(({ event, live }, i): Point => ({ event, at: Math.max(0, times[i]! - start), here: wasThere && (live || !stored) ? Math.max(0, event.received - start) : undefined }));
  const own = wasThere ? marks.map(mark => ({ ...mark, at: Math.max(0, mark.at - start) })).sort((a, b) => a.at - b.at) : [];

  const pieces = points.filter(p => p.event.type === 'delta');
  const told = points.findLast(p => p.event.type === 'usage')?.event as { outputTokens?: number } | undefined;
  const [first, last] = [pieces[0], pieces.at(-1)];
  const isOver = seen.length > 0 && /^(?:finished|stopped|failed|interrupted)$/.test(seen.at(-1)!.event.type);
  const latest = Math.max(0, points.at(-1)?.at ?? 0, points.at(-1)?.here ?? 0);
  const end = isOver || (seen.length > 0 && !wasThere) ? latest : now - start;
  return {
    points, clock, wasThere,
    marks: own.filter(({ kind }) => kind !== 'quiet' && kind !== 'behind' && kind !== 'queued'),
    tokens: told?.outputTokens ?? pieces.length,
    ttft: !first ? undefined : wasThere && asked !== undefined ? first.here ?? first.at : stored && created !== undefined ? first.at : undefined,
    total: Math.max(end, own.at(-1)?.at ?? 0),
    rate: clock !== 'none' && last && last.at > first!.at ? (pieces.length - 1) / ((last.at - first!.at) / 1000) : undefined,
    longest: clock === 'none' ? 0 : points.slice(1).reduce((most, p, i) => Math.max(most, p.at - points[i]!.at), 0),
    stalls: clock === 'none' ? [] : stallsOf(points, own, clock, isOver || !wasThere ? undefined : end, !wasThere || asked !== undefined),
  };

  function startOf(): number {
    if (wasThere && asked !== undefined) return asked;
    if (stored) return created !== undefined ? created + skew : wasThere ? Math.min(marks[0]?.at ?? Infinity, times[0]!) : times[0]!;
    return wasThere ? Math.min(marks[0]?.at ?? Infinity, times[0]!) : seen.length > 0 || asked === undefined ? 0 : asked;
  }
}

/** What came before the first that has a time had it about then too. */
function storedTimes(seen: readonly Seen[]): number[] | undefined {
  let at = seen.find(s => s.event.at !== undefined)?.event.at;
  return at === undefined ? undefined : seen.map(({ event }) => (at = Math.max(at!, event.at ?? 0)));
}

/** The silences that a person notices: when nothing was stored, and when what was stored had not come yet. */
function stallsOf(points: readonly Point[], marks: readonly Mark[], clock: Clock, now: number | undefined, fromStart: boolean): Stall[] {
  const times = [...(fromStart ? [0] : []), ...points.map(p => p.at)];
  const gaps = times.slice(1).map((time, i) => time - times[i]!);
  const usual = [...gaps].sort((a, b) => a - b)[Math.floor(gaps.length / 2)] ?? 0;
  const least = Math.max(silence, Math.min(usual * 8, 5000));
  const begun = points[0]?.at ?? now ?? 0;
  const stalls: Stall[] = [];
  gaps.forEach((gap, i) => {
    if (gap >= least) stalls.push(silenceFor(times[i]!, times[i + 1]!, marks, { isStart: times[i + 1]! <= begun, isLogged: clock === 'stored' }));
  });
  // What is the page's own time is told above.
  if (clock === 'stored') {
    points.forEach(({ at, here }, i) => {
      const from = Math.max(at, i > 0 ? points[i - 1]!.here ?? at : at);
      if (here !== undefined && (i > 0 || fromStart) && here - from >= least) stalls.push(wayFor(from, here, marks));
    });
  }
  if (now !== undefined) {
    const last = points.at(-1);
    const from = Math.max(last?.at ?? 0, last?.here ?? 0);
    if (now - from >= least) stalls.push(silenceFor(from, now, marks, { isStart: points.length === 0, isLogged: false }));
  }
  return stalls.sort((a, b) => a.from - b.from);
}

export function seconds(ms: number): string {
  return ms < 1000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(ms < 10_000 ? 2 : 1)} s`;
}
