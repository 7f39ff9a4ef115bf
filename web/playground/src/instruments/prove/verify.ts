import type { Recording } from '../recordings';
import { lineOf, readLog, textOfEvents } from '../log';
import { sha256 } from './sha256';

export interface Side {
  readonly events: number;
  readonly hash: string;
  readonly characters: number;
  readonly textHash: string;
}

export interface Proof {
  readonly page: Side;
  readonly log: Side;
  readonly same: boolean;
  /** The first event that is not the same, in words. */
  readonly differs: string | undefined;
}

/** Compares what this page got and shows with what the log has: every event after the place where the page came in, and the whole text. */
export async function verify({ generation, from, seen }: Recording, shown: string): Promise<Proof> {
  const log = await readLog(generation);
  const ours = seen.map(({ event }) => lineOf(event));
  const theirs = log.filter(event => event.offset > from).map(lineOf);
  const page = await side(ours, shown);
  const kept = await side(theirs, textOfEvents(log));
  return { page, log: kept, same: page.hash === kept.hash && page.textHash === kept.textHash, differs: page.hash === kept.hash ? undefined : difference(ours, theirs) };
}

async function side(lines: readonly string[], text: string): Promise<Side> {
  return { events: lines.length, hash: await sha256(lines.join('\n')), characters: [...text].length, textHash: await sha256(text) };
}

function difference(ours: readonly string[], theirs: readonly string[]): string {
  const at = theirs.findIndex((line, i) => line !== ours[i]);
  const nameOf = (line: string | undefined) => (line === undefined ? 'nothing' : `event ${line.slice(line.indexOf('.') + 1, line.indexOf(' '))}`);
  if (at < 0) return `The page got ${nameOf(ours[theirs.length])} beyond the log's end.`;
  return `Where the log has ${nameOf(theirs[at])}, the page got ${ours[at]?.split(' ', 1)[0] === theirs[at]!.split(' ', 1)[0] ? 'one of the same number that says something else' : nameOf(ours[at])}.`;
}
