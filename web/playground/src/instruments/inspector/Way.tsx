import type { PenstockEvent } from 'penstock';
import { seconds, type Clock, type Point } from '../timing';

/** The log keeps times no finer. */
const grain = 10;

/** One event's way: from the provider into the log, and from there to this page. */
export function Way({ points, index, clock }: { points: readonly Point[]; index: number; clock: Clock }) {
  const { event, at, here } = points[index]!;
  const together = points.filter(p => p.at === at).length - 1;
  const before = index > 0 ? at - points[index - 1]!.at : undefined;
  return (
    <section className="way">
      <h3>The way of event {event.offset} <span className="note">{clock === 'stored' ? `times to ${grain} ms` : ''}</span></h3>
      <ol>
        <li><span>Provider</span> <strong>{clock === 'stored' ? seconds(at) : '–'}</strong> <small>{clock !== 'stored' ? 'the log has no times' : together > 0 ? `read with ${together} more` : before !== undefined ? `+${seconds(before)}` : 'the first'}</small></li>
        <li><span>Log</span> <strong>{event.offset}</strong> <small>{event.type}</small></li>
        <li><span>This page</span> <strong>{here === undefined ? '–' : clock === 'stored' ? wayOf(at, here) : seconds(here)}</strong> <small>{here === undefined ? 'read later' : `at ${seconds(here)}`}</small></li>
      </ol>
      <pre tabIndex={0} role="region" aria-label="Its frame">{frameOf(event)}</pre>
    </section>
  );
}

/** How long after it was stored. */
export function wayOf(at: number, here: number): string {
  return here - at < 2 * grain ? 'at once' : `+${seconds(here - at)}`;
}

/** What of it stands on the wire beside its time. */
export function contentOf(event: PenstockEvent): object {
  const { id: _, offset: __, at: ___, received: ____, replay: _____, ...rest } = event as PenstockEvent & { callId?: string };
  const { callId, ...said } = rest;
  return callId === undefined ? said : { ...said, id: callId };
}

function frameOf(event: PenstockEvent): string {
  return `event: ${event.type}\ndata: ${JSON.stringify(contentOf(event))}\nid: ${event.id}`;
}
