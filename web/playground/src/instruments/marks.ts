/** What happened beside the events. */
export type MarkKind = 'attach' | 'resume' | 'cut' | 'kill' | 'back' | 'reload' | 'hidden' | 'visible' | 'beat' | 'stop' | 'stopped'
  /** What the server said of its log in a silence: it has no more either, it has more, nobody writes yet. */
  | 'quiet' | 'behind' | 'queued';

export interface Mark {
  readonly at: number;
  readonly kind: MarkKind;
}

/** Milliseconds that a person notices. */
export const silence = 700;
