// What tells a page that its connections may have died, or that new ones may do better: the network is back, the machine
// or the tab has slept, the page comes from the browser's cache.

export type WakeReason = 'online' | 'visible' | 'restored';

/** Calls back on each of them, until the function that it returns is called. Outside of a browser there are none. */
export function onWake(wake: (reason: WakeReason) => void): () => void {
  if (typeof addEventListener !== 'function' || typeof document === 'undefined') return () => {};
  const online = () => wake('online');
  const visible = () => { if (document.visibilityState === 'visible') wake('visible'); };
  const shown = (event: PageTransitionEvent) => { if (event.persisted) wake('restored'); };
  addEventListener('online', online);
  addEventListener('pageshow', shown);
  document.addEventListener('visibilitychange', visible);
  return () => {
    removeEventListener('online', online);
    removeEventListener('pageshow', shown);
    document.removeEventListener('visibilitychange', visible);
  };
}

const base = 250;
const longest = 10_000;

/** How long to wait before try number `failures`, in milliseconds: twice as long each time, and not all clients at once. */
export function backoff(failures: number, asked?: number): number {
  const delay = Math.min((asked ?? base) * 2 ** Math.max(0, failures - 1), Math.max(longest, asked ?? 0));
  // What the server asked for is the least.
  return asked === undefined ? delay * (0.5 + Math.random() / 2) : delay * (1 + Math.random() / 4);
}

/** Waits, though not beyond a wake-up. */
export function pause(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const end = (settle: () => void) => () => {
      clearTimeout(timer);
      forget();
      signal?.removeEventListener('abort', abort);
      settle();
    };
    const abort = end(() => reject(signal!.reason));
    const awake = end(resolve);
    const timer = setTimeout(awake, ms);
    const forget = onWake(awake);
    if (signal?.aborted) abort();
    else signal?.addEventListener('abort', abort);
  });
}
