import { useEffect, useMemo, useState } from 'react';
import { isEnding, type PenstockEvent } from 'penstock';
import type { PanelProps } from '../../panels';
import { textOfEvents } from '../log';
import '../instruments.css';
import type { Stall } from '../stalls';
import { seconds, timingOf, type Timing } from '../timing';
import { useWhole } from '../useWhole';
import './inspector.css';
import { Legend, Timeline } from './Timeline';
import { useCreated } from './useCreated';
import { usePlayback } from './usePlayback';
import { useServer } from './useServer';
import { Watchers } from './Watchers';
import { contentOf, Way, wayOf } from './Way';

const speeds = [0.25, 1, 4, 16];
const rowsShown = 24;

/** How an answer came: when, in which pieces, and why it waited. */
export default function Inspector({ answer, generation }: PanelProps) {
  const { recording, trouble } = useWhole(answer, generation);
  const running = answer.state === 'running';
  const now = useNow(running);
  const asked = answer.request === null ? undefined : answer.at;
  const created = useCreated(generation);
  const timing = useMemo(() => recording && timingOf(recording, asked, now, created), [recording, recording?.seen.length, recording?.marks.length, asked, now, created]);
  const server = useServer(generation, running);
  const [speed, setSpeed] = useState(1);
  const playback = usePlayback(timing?.total ?? 0, speed);
  const gone = useMemo(() => countUpTo(timing?.points ?? [], playback.at), [timing, playback.at]);
  const text = useMemo(() => textOfEvents((timing?.points ?? []).slice(0, gone).map(p => p.event)), [timing, gone]);
  if (trouble) return <p className="note pad">It could not be read. {trouble}</p>;
  if (!timing || timing.points.length === 0) return <p className="note pad"><span className="flow" /> &nbsp;{!running ? 'Being read.' : server?.status === 'queued' ? 'It waits for a worker.' : 'Waiting for the first event.'}</p>;

  return (
    <div className="instrument-body inspector">
      <Figures timing={timing} />
      {timing.clock === 'none' && <p className="note">It was stored without times, and this page was not there: the order alone is known, and the events are spread evenly.</p>}
      <div>
        <Timeline timing={timing} at={playback.at} onSeek={playback.seek} />
        <Legend timing={timing} />
      </div>
      <div className="scrubber">
        <button type="button" className="round" aria-label={playback.playing ? 'Pause' : 'Replay'} title={playback.playing ? 'Pause' : 'Replay at its own pace'} onClick={playback.toggle}>
          <svg viewBox="0 0 20 20" width="18" height="18" aria-hidden="true" fill="currentColor"><path d={playback.playing ? 'M6 5h3v10H6zm5 0h3v10h-3z' : 'M7 4.5v11l9-5.5z'} /></svg>
        </button>
        <input type="range" aria-label="Moment" min={0} max={Math.max(1, Math.ceil(timing.total))} step={1} value={Math.ceil(playback.at)} onChange={event => playback.seek(Number(event.target.value))} aria-valuetext={seconds(playback.at)} />
        <output>{seconds(playback.at)}</output>
        <button type="button" className="ghost small" aria-label={`Speed: ${speed} times`} onClick={() => setSpeed(speeds[(speeds.indexOf(speed) + 1) % speeds.length]!)}>{speed}×</button>
      </div>
      <div className="replayed" tabIndex={0} role="region" aria-label="The answer by then"><p>{text.length > 900 ? `…${text.slice(-900)}` : text}</p></div>
      {server && running && <Watchers server={server} last={timing.points.at(-1)!.event.offset} />}
      {timing.stalls.length > 0 && <Stalls stalls={timing.stalls} onSeek={playback.seek} />}
      {gone > 0 && <Way points={timing.points} index={gone - 1} clock={timing.clock} />}
      <Events timing={timing} gone={gone} onSeek={playback.seek} />
    </div>
  );
}

function Figures({ timing: { ttft, total, rate, longest, tokens, points, clock } }: { timing: Timing }) {
  const figures: [string, string][] = [
    ['First token', ttft === undefined ? '–' : seconds(ttft)],
    ['Total', clock !== 'none' ? seconds(total) : '–'],
    ['Tokens/s', rate === undefined ? '–' : rate.toFixed(rate < 10 ? 1 : 0)],
    ['Longest gap', clock !== 'none' ? seconds(longest) : '–'],
    ['Tokens', tokens.toLocaleString('en')],
    ['Events', points.length.toLocaleString('en')],
  ];
  return <dl className="figures thirds">{figures.map(([name, value]) => <div key={name}><dt>{name}</dt><dd>{value}</dd></div>)}</dl>;
}

function Stalls({ stalls, onSeek }: { stalls: readonly Stall[]; onSeek: (at: number) => void }) {
  return (
    <section>
      <h3>Why it waited</h3>
      <ul className="stalls">
        {stalls.map((stall, i) => (
          <li key={i} className={stall.cause}>
            <button type="button" className="ghost small" onClick={() => onSeek(stall.from)} title="Go there">{seconds(stall.to - stall.from)}</button>
            <p><strong>{{ network: 'Network', hidden: 'Tab hidden', queue: 'In the queue', upstream: 'Model silent', start: 'Before the first word' }[stall.cause]}</strong> {stall.says}</p>
          </li>
        ))}
      </ul>
    </section>
  );
}

/** The events around the head: when each was stored, how long after the one before it, and how long after that it came here. */
function Events({ timing: { points, clock, wasThere }, gone, onSeek }: { timing: Timing; gone: number; onSeek: (at: number) => void }) {
  const from = Math.max(0, Math.min(points.length, gone) - rowsShown);
  const both = clock === 'stored' && wasThere;
  return (
    <section>
      <h3>Events to this moment <span className="note">{gone} of {points.length}</span></h3>
      <div className="events" tabIndex={0} role="region" aria-label="Events">
        <table>
          <thead><tr><th scope="col">Offset</th><th scope="col">{clock === 'here' ? 'Here' : 'Stored'}</th><th scope="col">Gap</th>{both && <th scope="col">Here</th>}<th scope="col">Event</th></tr></thead>
          <tbody>{points.slice(from, gone).map(({ event, at, here }, i) => (
            <tr key={event.offset} className={isEnding(event) ? 'ending' : undefined} onClick={() => onSeek(at)}>
              <td>{event.offset}</td>
              <td>{clock === 'none' ? '–' : seconds(at)}</td>
              <td>{clock !== 'none' && from + i > 0 ? `+${seconds(at - points[from + i - 1]!.at)}` : ''}</td>
              {both && <td>{here === undefined ? 'later' : wayOf(at, here)}</td>}
              <td><code>{event.type}</code> {saidBy(event)}</td>
            </tr>
          )).reverse()}</tbody>
        </table>
      </div>
    </section>
  );
}

function saidBy(event: PenstockEvent): string {
  const { type: _, ...rest } = contentOf(event) as { type: string };
  const json = event.type === 'delta' && Object.keys(rest).length === 2 ? JSON.stringify(event.text) : JSON.stringify(rest);
  return json.length > 90 ? `${json.slice(0, 89)}…` : json;
}

function countUpTo(points: Timing['points'], at: number): number {
  let [low, high] = [0, points.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (points[middle]!.at <= at) low = middle + 1;
    else high = middle;
  }
  return low;
}

function useNow(ticks: boolean): number {
  const [now, setNow] = useState(Date.now());
  useEffect(() => {
    if (!ticks) return;
    const timer = setInterval(() => setNow(Date.now()), 250);
    return () => clearInterval(timer);
  }, [ticks]);
  return now;
}
