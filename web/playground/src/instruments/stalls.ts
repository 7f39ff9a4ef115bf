import type { Mark } from './marks';

export interface Stall {
  readonly from: number;
  readonly to: number;
  readonly cause: 'network' | 'hidden' | 'queue' | 'upstream' | 'start';
  readonly says: string;
}

/** Why nothing came; with `isLogged`, why nothing was even stored. */
export function silenceFor(from: number, to: number, marks: readonly Mark[], { isStart, isLogged }: { isStart: boolean; isLogged: boolean }): Stall {
  const within = marks.filter(mark => mark.at >= from - 50 && mark.at <= to);
  const because = (cause: Stall['cause'], says: string): Stall => ({ from, to, cause, says });
  if (within.some(m => m.kind === 'kill')) return because('network', 'The server was killed; the answer went on when it was back.');
  const away = isLogged ? undefined : awayFor(from, to, marks);
  if (away) return away;
  if (within.some(m => m.kind === 'queued')) return because('queue', 'It waited for a worker: the server had queued it.');
  // In the moment before the words that end it, what has been written may be on its way.
  const asked = within.filter(m => m.kind === 'quiet' || m.kind === 'behind');
  if (!isLogged && asked.length > 0 && asked.every(m => m.kind === 'behind')) return because('network', 'The server’s log had more than this page: it was on its way, or the page was busy.');
  const beats = within.filter(m => m.kind === 'beat').length;
  const alive = beats > 0 ? `${beats === 1 ? 'A sign' : `${beats} signs`} of life came from the server: the connection was well` : isLogged ? undefined : 'The connection was not broken, the tab was in sight';
  const known = alive === undefined ? 'Nothing was written to the log' : isLogged || asked.length > 0 ? `${alive}, and its log had no more` : alive;
  return isStart ? because('start', `${known}. The answer waited for its turn, or the model for its first word.`) : because('upstream', `${known}. The model said nothing.`);
}

/** Why what was stored came late. */
export function wayFor(from: number, to: number, marks: readonly Mark[]): Stall {
  return awayFor(from, to, marks) ?? { from, to, cause: 'network', says: 'The server had it, and it was on its way, or the page was busy.' };
}

/** What kept the page from hearing. */
function awayFor(from: number, to: number, marks: readonly Mark[]): Stall | undefined {
  const within = marks.filter(mark => mark.at >= from - 50 && mark.at <= to);
  if (within.some(m => m.kind === 'kill')) return { from, to, cause: 'network', says: 'The server was killed; what it had stored came when it was back.' };
  if (within.some(m => m.kind === 'reload')) return { from, to, cause: 'network', says: 'The page was reloaded; what was written meanwhile came when it was back.' };
  const connection = marks.findLast(m => m.at <= from && (m.kind === 'cut' || m.kind === 'back'));
  if (within.some(m => m.kind === 'cut') || connection?.kind === 'cut') return { from, to, cause: 'network', says: 'The connection was away; what was written meanwhile came at once when it was back.' };
  const shownLast = marks.findLast(m => m.at <= to && (m.kind === 'hidden' || m.kind === 'visible'));
  if (within.some(m => m.kind === 'hidden') || (shownLast?.kind === 'hidden' && shownLast.at <= from)) return { from, to, cause: 'hidden', says: 'The tab was hidden, and browsers let hidden tabs wait.' };
  return undefined;
}
