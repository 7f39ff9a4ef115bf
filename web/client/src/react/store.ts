/** How often a component renders at most: once a frame, or once in so many milliseconds; with 0 at every change. */
export type Batch = 'frame' | number;

// A replay is shown in one piece, unless it takes longer than a person waits.
const longestReplay = 1000;
// Frames stop in a hidden tab.
const hiddenFrame = 100;

/** What `useSyncExternalStore` reads, with renders batched. It lives while somebody subscribes. */
export abstract class Store<S> {
  #listeners = new Set<() => void>();
  #snapshot: S | undefined;
  #cancel: (() => void) | undefined;
  #waitsForReplay = false;
  #active = false;

  constructor(private readonly batch: Batch) {}

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    this.#settle();
    return () => {
      this.#listeners.delete(listener);
      this.#settle();
    };
  };

  readonly getSnapshot = (): S => (this.#snapshot ??= this.read());

  /** What to show now. */
  protected abstract read(): S;
  /** Somebody subscribes, and nobody did. */
  protected abstract activate(): void;
  /** Nobody subscribes any more. */
  protected abstract deactivate(): void;

  protected changed(when: 'now' | 'soon' | 'replay'): void {
    if (when === 'now') return this.#show();
    if (this.#cancel && (when === 'replay' || !this.#waitsForReplay)) return;
    this.#cancel?.();
    this.#waitsForReplay = when === 'replay';
    this.#cancel = later(() => this.#show(), this.#waitsForReplay ? longestReplay : this.batch);
  }

  #show(): void {
    this.#cancel?.();
    this.#cancel = undefined;
    this.#snapshot = this.read();
    for (const listener of [...this.#listeners]) listener();
  }

  // Later, since React in strict mode subscribes, leaves and subscribes again in one breath.
  #settle(): void {
    setTimeout(() => {
      const active = this.#listeners.size > 0;
      if (active === this.#active) return;
      this.#active = active;
      if (active) this.activate();
      else this.deactivate();
    });
  }
}

function later(show: () => void, batch: Batch): (() => void) | undefined {
  if (batch === 0) {
    show();
    return undefined;
  }
  if (batch === 'frame' && typeof requestAnimationFrame === 'function' && document.visibilityState === 'visible') {
    const frame = requestAnimationFrame(show);
    return () => cancelAnimationFrame(frame);
  }
  const timer = setTimeout(show, batch === 'frame' ? hiddenFrame : batch);
  return () => clearTimeout(timer);
}
