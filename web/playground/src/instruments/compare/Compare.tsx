import { useEffect, useId, useState, type FormEvent } from 'react';
import { RunStore, useRun } from 'penstock/react';
import { client } from '../../api';
import { Icon } from '../../app/Icon';
import { newId, textOf } from '../../conversations/model';
import { Markdown } from '../../markdown/Markdown';
import { useModels } from '../../models';
import '../instruments.css';
import { useRecording } from '../recordings';
import { seconds, timingOf } from '../timing';
import './compare.css';

interface Lane {
  readonly key: string;
  readonly model: string;
  readonly run: RunStore;
}

interface Race {
  readonly start: number;
  readonly lanes: readonly Lane[];
}

/** Two to four models on one prompt and one clock. One that fails stops none of the others. */
export default function Compare() {
  const { list } = useModels();
  const [chosen, setChosen] = useState<readonly string[]>();
  const models = chosen ?? (list ?? []).slice(0, 2).map(m => m.id);
  const [prompt, setPrompt] = useState('');
  const [race, setRace] = useState<Race>();
  const names = useId();
  const set = (i: number, model: string) => setChosen(models.map((m, j) => (i === j ? model : m)));
  const begin = (event: FormEvent) => {
    event.preventDefault();
    const start = Date.now();
    const lanes = models.filter(m => m.trim()).map((model): Lane => {
      const run = new RunStore({ client, name: newId(), storage: null, batch: 'frame' });
      run.start({ model: model.trim(), messages: [{ role: 'user', content: prompt }] });
      return { key: newId(), model: model.trim(), run };
    });
    setRace({ start, lanes });
  };

  return (
    <div className="compare">
      <form onSubmit={begin}>
        <textarea aria-label="Prompt" placeholder="One prompt for all" rows={2} value={prompt} onChange={event => setPrompt(event.target.value)} required onKeyDown={event => { if (event.key === 'Enter' && !event.shiftKey && !event.nativeEvent.isComposing) { event.preventDefault(); event.currentTarget.form!.requestSubmit(); } }} />
        <datalist id={names}>{(list ?? []).map(m => <option key={m.id} value={m.id} />)}</datalist>
        <div className="compare-models">
          {models.map((model, i) => (
            <span key={i} className="compare-model">
              <input aria-label={`Model ${i + 1}`} list={names} value={model} onChange={event => set(i, event.target.value)} spellCheck={false} autoCapitalize="off" placeholder="provider/model" required />
              {models.length > 2 && <button type="button" className="ghost round" aria-label={`Leave out model ${i + 1}`} onClick={() => setChosen(models.filter((_, j) => i !== j))}><Icon name="close" size={15} /></button>}
            </span>
          ))}
          {models.length < 4 && <button type="button" className="ghost" onClick={() => setChosen([...models, list?.find(m => !models.includes(m.id))?.id ?? ''])}><Icon name="plus" size={16} /> Model</button>}
          <button type="submit" className="primary">Compare</button>
        </div>
      </form>
      {race ? <div className="lanes">{race.lanes.map(lane => <LaneView key={lane.key} lane={lane} start={race.start} />)}</div>
        : <p className="note">All begin at the same moment; for each you see the first token, the whole, tokens a second and what was counted.</p>}
    </div>
  );
}

function LaneView({ lane: { model, run }, start }: { lane: Lane; start: number }) {
  const state = useRun(run);
  const running = state.status === 'connecting' || state.status === 'streaming' || state.status === 'reconnecting';
  const recording = useRecording(state.id ?? '');
  const now = useClock(running);
  const timing = recording && recording.seen.length > 0 ? timingOf(recording, start, now) : undefined;
  const blocks = state.blocks.filter(b => b.choice === 0 && (b.kind === 'text' || b.kind === 'refusal'));
  return (
    <section className="lane" aria-label={model} aria-busy={running} data-status={state.status}>
      <header>
        <h2>{model}</h2>
        {running && state.id && <button type="button" className="ghost small" onClick={() => void run.stop()}><Icon name="stop" size={14} /> Stop</button>}
      </header>
      <dl className="figures">
        <div><dt>First token</dt><dd>{timing?.ttft === undefined ? '–' : seconds(timing.ttft)}</dd></div>
        <div><dt>Total</dt><dd>{running ? seconds(now - start) : timing ? seconds(timing.total) : '–'}</dd></div>
        <div><dt>Tokens/s</dt><dd>{timing?.rate === undefined ? '–' : timing.rate.toFixed(timing.rate < 10 ? 1 : 0)}</dd></div>
        <div><dt>In / out</dt><dd>{state.usage ? `${state.usage.inputTokens ?? '–'} / ${state.usage.outputTokens ?? '–'}` : `– / ${state.stats.tokens}`}</dd></div>
      </dl>
      <div className="lane-text" tabIndex={0} role="region" aria-label={`${model} says`}>
        {blocks.map(block => <Markdown key={block.block} text={block.text} done={block.done || !running} />)}
        {running && <span className={blocks.length > 0 ? 'caret' : 'flow'} />}
        {state.status === 'stopped' && <p className="note">Stopped.</p>}
        {state.error && <div className="error" role="alert"><p><strong>{state.error.message}</strong></p><p className="row"><code>{state.error.code}</code></p></div>}
        {state.status === 'done' && textOf(state) === '' && <p className="note">It said nothing.</p>}
      </div>
    </section>
  );
}

function useClock(ticks: boolean): number {
  const [now, setNow] = useState(Date.now());
  useEffect(() => {
    if (!ticks) return;
    const timer = setInterval(() => setNow(Date.now()), 100);
    return () => clearInterval(timer);
  }, [ticks]);
  return now;
}
