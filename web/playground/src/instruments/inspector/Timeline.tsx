import { useMemo, type PointerEvent } from 'react';
import type { MarkKind } from '../marks';
import type { Stall } from '../stalls';
import { seconds, type Timing } from '../timing';

const width = 388;
const top = 18;
const bars = 97;

const names: Partial<Record<MarkKind, string>> = { attach: 'attached', resume: 'resumed', cut: 'cut', kill: 'node killed', back: 'resumed', reload: 'reload', hidden: 'tab hidden', visible: 'tab shown', stop: 'stop asked', stopped: 'stopped' };

/** How the answer came: above the line when its pieces were stored, below it when they came here, where both are known; silences, and what happened beside. */
export function Timeline({ timing, at, onSeek }: { timing: Timing; at: number; onSeek: (at: number) => void }) {
  const { points, total, stalls, marks, ttft } = timing;
  const both = hasBoth(timing);
  const [high, low] = both ? [58, 40] : [74, 0];
  const axis = top + high;
  const end = axis + low;
  const x = (time: number) => (total > 0 ? (time / total) * width : 0);
  const [stored, here] = useMemo(() => {
    const deltas = points.filter(p => p.event.type === 'delta');
    return [heightsOf(deltas.map(p => p.at), total, high), both ? heightsOf(deltas.flatMap(p => p.here ?? []), total, low) : []];
  }, [points, total, both, high, low]);
  const seek = (event: PointerEvent<SVGSVGElement>) => {
    if (event.buttons !== 1) return;
    const { left, width: wide } = event.currentTarget.getBoundingClientRect();
    onSeek(Math.min(1, Math.max(0, (event.clientX - left) / wide)) * total);
  };
  const isPast = (i: number) => x(at) >= ((i + 0.5) * width) / bars;
  const place = (stall: Stall) => (!both ? { y: top, height: high } : isOfWay(stall) ? { y: axis, height: low } : { y: top, height: high });
  return (
    <svg className="timeline" viewBox={`0 0 ${width} ${end + 26}`} role="img" aria-label={`${points.length} events in ${seconds(total)}`} onPointerDown={seek} onPointerMove={seek}>
      {stalls.map((stall, i) => <rect key={i} className={`stall ${stall.cause}`} x={x(stall.from)} width={Math.max(1, x(stall.to) - x(stall.from))} {...place(stall)}><title>{stall.says}</title></rect>)}
      {stored.map((height, i) => height > 0 && <rect key={i} className={isPast(i) ? 'bar past' : 'bar'} x={(i * width) / bars + 0.5} width={width / bars - 1} y={axis - height} height={height} rx="1" />)}
      {here.map((height, i) => height > 0 && <rect key={i} className={isPast(i) ? 'bar here past' : 'bar here'} x={(i * width) / bars + 0.5} width={width / bars - 1} y={axis + 1} height={height} rx="1" />)}
      <path className="axis" d={`M0 ${axis + 0.5}H${width}`} />
      {ttft !== undefined && <g className="ttft"><path d={`M0.5 ${end + 5}v6H${Math.max(1, x(ttft))}v-6`} /></g>}
      {marks.map((mark, i) => mark.kind === 'beat'
        ? <circle key={i} className="beat" cx={x(mark.at)} cy={end - 5} r="2"><title>sign of life</title></circle>
        : <g key={i} className={`mark ${mark.kind}`}><path d={`M${x(mark.at)} ${top - 6}V${end}`} /><circle cx={Math.min(width - 4, Math.max(4, x(mark.at)))} cy={top - 9} r="4"><title>{`${names[mark.kind]} at ${seconds(mark.at)}`}</title></circle></g>)}
      <path className="head" d={`M${x(at)} ${top - 4}V${end + 4}`} />
      <text className="tick" x="0" y={end + 23}>{ttft !== undefined ? `first token ${seconds(ttft)}` : '0'}</text>
      <text className="tick" x={width} y={end + 23} textAnchor="end">{seconds(total)}</text>
    </svg>
  );
}

/** What the bars and the coloured dots are. */
export function Legend({ timing }: { timing: Timing }) {
  const kinds = [...new Set(timing.marks.map(m => (m.kind === 'back' ? 'resume' : m.kind)))];
  return (
    <ul className="legend">
      {hasBoth(timing) && <><li><span className="key bar-stored" /> stored, above</li><li><span className="key bar-here" /> came here, below</li></>}
      {kinds.map(kind => <li key={kind}><span className={`key ${kind}`} /> {kind === 'beat' ? 'sign of life' : names[kind]}</li>)}
      {[...new Set(timing.stalls.map(s => s.cause))].map(cause => <li key={cause}><span className={`key stall ${cause}`} /> {{ network: 'network away', hidden: 'tab hidden', queue: 'in the queue', upstream: 'model silent', start: 'before the first word' }[cause]}</li>)}
    </ul>
  );
}

function hasBoth({ clock, wasThere }: Timing): boolean {
  return clock === 'stored' && wasThere;
}

/** Of what was stored and had not come: it stands below the line. */
function isOfWay({ cause }: Stall): boolean {
  return cause === 'network' || cause === 'hidden';
}

function heightsOf(times: readonly number[], total: number, high: number): number[] {
  const counts = new Array<number>(bars).fill(0);
  for (const at of times) counts[Math.min(bars - 1, Math.floor((at / Math.max(total, 1)) * bars))]!++;
  const most = Math.max(1, ...counts);
  return counts.map(count => (count === 0 ? 0 : 3 + Math.sqrt(count / most) * (high - 3)));
}
