import { Fold, type PenstockEvent } from 'penstock';
import { get } from '../api';

/** Frames of an event stream as they stand on the wire. */
export interface Frame {
  readonly event: string;
  readonly data: string;
  readonly id: string;
  readonly raw: string;
}

/** Reads an event stream frame by frame, without a client between. */
export async function* framesOf(reply: Response): AsyncGenerator<Frame, void, void> {
  const reader = reply.body!.pipeThrough(new TextDecoderStream()).getReader();
  let rest = '';
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      const parts = (rest + value).split('\n\n');
      rest = parts.pop()!;
      for (const raw of parts) yield frameOf(raw);
    }
  } finally {
    void reader.cancel().catch(() => {});
  }
}

function frameOf(raw: string): Frame {
  const field = (name: string) => raw.split('\n').filter(line => line.startsWith(`${name}:`)).map(line => line.slice(name.length + 1).replace(/^ /, ''));
  return { event: field('event')[0] ?? 'message', data: field('data').join('\n'), id: field('id')[0] ?? '', raw };
}

/** A generation's log, read from its start by a request of its own. */
export async function readLog(generation: string): Promise<PenstockEvent[]> {
  const reply = await get(`/v1/generations/${encodeURIComponent(generation)}/events?after=-1`, { headers: { Accept: 'text/event-stream' } });
  if (!reply.ok) throw new Error(reply.status === 404 ? 'The server does not have this answer any more.' : `The server answered ${reply.status}.`);
  const events: PenstockEvent[] = [];
  for await (const { data, id } of framesOf(reply)) {
    if (!data) continue;
    const { id: callId, ...json } = JSON.parse(data) as { id?: string };
    events.push({ at: undefined, ...json, ...(callId === undefined ? {} : { callId }), id, offset: Number(id.slice(id.indexOf('.') + 1)), received: 0, replay: true } as PenstockEvent);
  }
  return events;
}

/** An event's id and what it says, as one line: whoever has the same line has the same event. Its time stands on the first of several alone. */
export function lineOf(event: PenstockEvent): string {
  const { id, offset: _, at: __, received: ___, replay: ____, ...said } = event as PenstockEvent & { callId?: string };
  const { callId, ...rest } = said as { callId?: string };
  return `${id} ${JSON.stringify(callId === undefined ? rest : { ...rest, id: callId })}`;
}

/** The text of the first answer. */
export function textOfEvents(events: readonly PenstockEvent[]): string {
  const fold = new Fold();
  for (const event of events) fold.apply(event);
  return fold.blocks.filter(b => (b.kind === 'text' || b.kind === 'refusal') && b.choice === 0).map(b => b.text).join('');
}
