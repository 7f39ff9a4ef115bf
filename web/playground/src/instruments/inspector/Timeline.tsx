import { useMemo, type PointerEvent } from 'react';
import type { MarkKind } from '../marks';
import { seconds, type Timing } from '../timing';

const width = 388;
const top = 18;
const high = 74;
const bars = 97;

const names: Partial<Record<MarkKind, string>> = { attach: 'attached', resume: 'resumed', cut: 'cut', kill: 'node killed', back: 'resumed', reload: 'reload', hidden: 'tab hidden', visible: 'tab shown', stop: 'stop asked', stopped: 'stopped' };

/** How the answer came: pieces in each moment, silences, and what happened beside. */
export function Timeline({ timing, at, onSeek }: { timing: Timing; at: number; onSeek: (at: number) => void }) {
  const { points, total, stalls, marks, ttft } = timing;
  const x = (time: number) => (total > 0 ? (time / total) * width : 0);
  const heights = useMemo(() => {
    const counts = new Array<number>(bars).fill(0);
    for (const { event, at } of points) if (event.type === 'delta') counts[Math.min(bars - 1, Math.floor((at / Math.max(total, 1)) * bars))]!++;
    const most = Math.max(1, ...counts);
    return counts.map(count => (count === 0 ? 0 : 3 + Math.sqrt(count / most) * (high - 3)));
  }, [points, total]);
  const seek = (event: PointerEvent<SVGSVGElement>) => {
    if (event.buttons !== 1) return;
    const { left, width: wide } = event.currentTarget.getBoundingClientRect();
    onSeek(Math.min(1, Math.max(0, (event.clientX - left) / wide)) * total);
  };
  return (
    <svg className="timeline" viewBox={`0 0 ${width} ${top + high + 26}`} role="img" aria-label={`${points.length} events in ${seconds(total)}`} onPointerDown={seek} onPointerMove={seek}>
      {stalls.map((stall, i) => <rect key={i} className={`stall ${stall.cause}`} x={x(stall.from)} width={Math.max(1, x(stall.to) - x(stall.from))} y={top} height={high}><title>{stall.says}</title></rect>)}
      {heights.map((height, i) => height > 0 && <rect key={i} className={x(at) >= ((i + 0.5) * width) / bars ? 'bar past' : 'bar'} x={(i * width) / bars + 0.5} width={width / bars - 1} y={top + high - height} height={height} rx="1" />)}
      <path className="axis" d={`M0 ${top + high + 0.5}H${width}`} />
      {ttft !== undefined && <g className="ttft"><path d={`M0.5 ${top + high + 5}v6H${Math.max(1, x(ttft))}v-6`} /></g>}
      {marks.map((mark, i) => mark.kind === 'beat'
        ? <circle key={i} className="beat" cx={x(mark.at)} cy={top + high - 5} r="2"><title>sign of life</title></circle>
        : <g key={i} className={`mark ${mark.kind}`}><path d={`M${x(mark.at)} ${top - 6}V${top + high}`} /><circle cx={Math.min(width - 4, Math.max(4, x(mark.at)))} cy={top - 9} r="4"><title>{`${names[mark.kind]} at ${seconds(mark.at)}`}</title></circle></g>)}
      <path className="head" d={`M${x(at)} ${top - 4}V${top + high + 4}`} />
      <text className="tick" x="0" y={top + high + 23}>{ttft !== undefined ? `first token ${seconds(ttft)}` : '0'}</text>
      <text className="tick" x={width} y={top + high + 23} textAnchor="end">{seconds(total)}</text>
    </svg>
  );
}

/** What the coloured dots are. */
export function Legend({ timing: { marks, stalls } }: { timing: Timing }) {
  const kinds = [...new Set(marks.map(m => (m.kind === 'back' ? 'resume' : m.kind)))];
  return (
    <ul className="legend">
      {kinds.map(kind => <li key={kind}><span className={`key ${kind}`} /> {kind === 'beat' ? 'sign of life' : names[kind]}</li>)}
      {[...new Set(stalls.map(s => s.cause))].map(cause => <li key={cause}><span className={`key stall ${cause}`} /> {{ network: 'network away', hidden: 'tab hidden', queue: 'in the queue', upstream: 'model silent', start: 'before the first word' }[cause]}</li>)}
    </ul>
  );
}
