import { useEffect, useState } from 'react';

export interface Playback {
  readonly at: number;
  readonly playing: boolean;
  readonly seek: (at: number) => void;
  readonly toggle: () => void;
}

/** A head over a span of time, which runs at its own pace times a speed. While the answer grows it stays at the end. */
export function usePlayback(total: number, speed: number): Playback {
  const [at, setAt] = useState<number>();
  const [playing, setPlaying] = useState(false);
  useEffect(() => {
    if (!playing) return;
    let last = performance.now();
    let frame = requestAnimationFrame(function step(now) {
      const passed = (now - last) * speed;
      last = now;
      setAt(at => Math.min(total, (at ?? 0) + passed));
      frame = requestAnimationFrame(step);
    });
    return () => cancelAnimationFrame(frame);
  }, [playing, speed, total]);
  useEffect(() => { if (playing && at !== undefined && at >= total) setPlaying(false); }, [playing, at, total]);
  const shown = at === undefined ? total : Math.min(at, total);
  return {
    at: shown,
    playing,
    seek: next => { setPlaying(false); setAt(next); },
    toggle: () => {
      if (!playing && shown >= total) setAt(0);
      setPlaying(!playing);
    },
  };
}
