import { pathTo, plainSettings, textOf, type Answer, type Conversation, type Turn } from './model';

interface Carried {
  v: 1;
  id: string;
  title: string;
  model: string;
  system?: string;
  turns: ({ id: string; q: string } | { id: string; g: string } | { id: string; a: string })[];
}

/**
 * A conversation in the fragment of an address, which no server sees: its questions, and the ids of its answers, which are on the
 * server. So one that still runs goes on at the other device, too. Pictures stay behind.
 */
export async function linkTo(conversation: Conversation, page: string): Promise<string> {
  const turns = pathTo(conversation, conversation.leaf).map(turn => turn.role === 'assistant'
    ? turn.generation ? { id: turn.id, g: turn.generation } : { id: turn.id, a: textOf(turn) }
    : { id: turn.id, q: turn.role === 'user' ? turn.text : turn.results.map(r => r.text).join('\n') });
  const { model, system } = conversation.settings;
  const carried: Carried = { v: 1, id: conversation.id, title: conversation.title, model, ...(system ? { system } : {}), turns };
  return `${page}#/join/${await pack(JSON.stringify(carried))}`;
}

/** The conversation that a link carries. Throws where it carries none. */
export async function readLink(data: string): Promise<Conversation> {
  const carried = JSON.parse(await unpack(data)) as Carried;
  if (carried.v !== 1) throw new Error('This link was made by another version of the page.');
  const now = Date.now();
  let parent: string | null = null;
  const turns: Record<string, Turn> = {};
  for (const [i, turn] of carried.turns.entries()) {
    const base = { id: turn.id, parent, at: now + i };
    turns[turn.id] = 'q' in turn ? { ...base, role: 'user', text: turn.q, images: [] }
      : 'g' in turn ? elsewhere(base, turn.g)
      : { ...elsewhere(base, ''), generation: null, state: 'done', blocks: [{ block: 0, kind: 'text', choice: 0, text: turn.a, done: true }] };
    parent = turn.id;
  }
  return { id: carried.id, title: carried.title, createdAt: now, updatedAt: now, settings: { ...plainSettings, model: carried.model, system: carried.system ?? '' }, turns, leaf: parent };
}

/** An answer that somebody else has asked for: it is read to its end, wherever that is by now. */
export function elsewhere(base: { id: string; parent: string | null; at: number }, generation: string, model = ''): Answer {
  return { ...base, role: 'assistant', key: '', request: null, generation, state: 'running', model, blocks: [], usage: null, finish: null, error: null, stats: null };
}

async function pack(text: string): Promise<string> {
  const bytes = await through(new TextEncoder().encode(text), new CompressionStream('deflate-raw'));
  return btoa(Array.from(bytes, byte => String.fromCharCode(byte)).join('')).replaceAll('+', '-').replaceAll('/', '_').replace(/=+$/, '');
}

async function unpack(data: string): Promise<string> {
  const bytes = Uint8Array.from(atob(data.replaceAll('-', '+').replaceAll('_', '/')), char => char.charCodeAt(0));
  return new TextDecoder().decode(await through(bytes, new DecompressionStream('deflate-raw')));
}

async function through(bytes: Uint8Array<ArrayBuffer>, transform: CompressionStream | DecompressionStream): Promise<Uint8Array> {
  return new Uint8Array(await new Response(new Blob([bytes]).stream().pipeThrough(transform)).arrayBuffer());
}
