import { memo, useState } from 'react';
import type { Block } from 'penstock';
import { useRun, type RunStore, type Stats, type Status } from 'penstock/react';
import { CopyButton } from '../app/CopyButton';
import { Icon } from '../app/Icon';
import { KeyForm } from '../app/KeyForm';
import { textOf, type Answer, type Conversation, type Trouble } from '../conversations/model';
import { StopReceipt } from '../instruments/StopReceipt';
import { Markdown } from '../markdown/Markdown';
import { again, branchOff } from './actions';
import { Branches } from './Branches';
import { Reasoning } from './Reasoning';
import { ToolCallCard, ToolResultCard } from './ToolCallCard';
import { adviceFor } from './troubles';

interface Props {
  conversation: Conversation;
  answer: Answer;
  run: RunStore | undefined;
  isLast: boolean;
  /** It is read by who may do nothing with it. */
  isShared?: boolean;
}

interface Shown {
  blocks: readonly Block[];
  status: Status;
  error: Trouble | null;
  stats: Stats | null;
  model: string;
}

/** An answer: from its run where this page follows it, to the end and beyond, so that nothing moves when it ends. */
export const AnswerView = memo(function AnswerView(props: Props) {
  return props.run ? <Running {...props} run={props.run} /> : <Shell {...props} shown={stored(props.answer)} />;
});

function Running(props: Props & { run: RunStore }) {
  const { blocks, status, error, stats, model } = useRun(props.run);
  const shown = { blocks, status, error: error ?? null, stats, model: model ?? props.answer.model };
  return <Shell {...props} shown={blocks.length === 0 && props.answer.blocks.length > 0 ? { ...shown, blocks: props.answer.blocks } : shown} />;
}

function stored({ blocks, state, error, stats, model }: Answer): Shown {
  return { blocks, status: state === 'running' ? 'connecting' : state, error, stats, model };
}

function Shell({ conversation, answer, isLast, isShared, shown: { blocks, status, error, stats, model } }: Props & { shown: Shown }) {
  const isRunning = status === 'connecting' || status === 'streaming' || status === 'reconnecting';
  const visible = blocks.filter(block => block.choice === 0);
  const text = textOf({ blocks });
  return (
    <article className={`turn answer is-${status}`} aria-label="Answer" aria-busy={isRunning} data-turn={answer.id} data-generation={answer.generation ?? undefined}>
      {visible.map(block => <BlockView key={block.block} block={block} isRunning={isRunning} generation={isShared ? null : answer.generation} call={block.call === undefined ? undefined : visible.find(other => other.block === block.call)?.name} />)}
      {isRunning && <Progress status={status} hasText={visible.length > 0} />}
      {status === 'stopped' && <StopReceipt generation={answer.generation} tokens={stats?.tokens ?? 0} usage={answer.usage} most={answer.request?.max_tokens} />}
      {error && <ErrorNote error={error} onRetry={answer.parent === null ? undefined : () => again(conversation, answer)} />}
      {!isRunning && (
        <footer className={isLast ? 'turn-foot last' : 'turn-foot'}>
          <Branches conversation={conversation} turn={answer} />
          {text && <CopyButton text={text} what="answer" />}
          {answer.parent !== null && <button type="button" className="ghost small" onClick={() => again(conversation, answer)}><Icon name="again" size={15} /> <span>Again</span></button>}
          {!isShared && <button type="button" className="ghost small" onClick={() => branchOff(conversation, answer)}><Icon name="share" size={15} /> <span>Branch</span></button>}
          <StatsLine stats={stats} answer={answer} model={model} />
        </footer>
      )}
      {isRunning && stats && stats.tokens > 0 && <footer className="turn-foot last"><StatsLine stats={stats} answer={answer} model={model} isAway={status === 'reconnecting'} /></footer>}
    </article>
  );
}

const BlockView = memo(function BlockView({ block, isRunning, generation, call }: {
  block: Block;
  isRunning: boolean;
  generation: string | null;
  /** The name of the tool whose result it is. */
  call: string | undefined;
}) {
  const done = block.done || !isRunning;
  switch (block.kind) {
    case 'reasoning':
      return block.text || !done ? <Reasoning text={block.text} done={done} /> : null;
    case 'tool_call':
    case 'server_tool_call':
      return <ToolCallCard block={block} done={done} isRunning={isRunning} generation={generation} />;
    case 'tool_result':
      return <ToolResultCard block={block} name={call} />;
    case 'image':
      return done ? <img className="picture" src={`data:${/^image\/(?:png|jpeg|webp|gif)$/.test(block.name ?? '') ? block.name : 'image/png'};base64,${block.text}`} alt="From the model" /> : <p className="note">A picture is coming…</p>;
    case 'text':
    case 'refusal':
      return <Markdown text={block.text} done={done} />;
    default:
      return null; // what only the provider's own protocol explains
  }
});

function Progress({ status, hasText }: { status: Status; hasText: boolean }) {
  if (status === 'reconnecting') return <p className="note reconnecting"><span className="flow" /> The connection is lost. The answer goes on at the server, and here in a moment.</p>;
  return hasText ? <span className="caret" /> : <p className="note waiting"><span className="flow" /><span className="visually-hidden">Waiting for the first words</span></p>;
}

function ErrorNote({ error, onRetry }: { error: Trouble; onRetry: (() => void) | undefined }) {
  const [shown, setShown] = useState(true);
  if (!shown) return null;
  return (
    <div className="error" role="alert">
      <p><strong>{error.message}</strong> {adviceFor(error)}</p>
      {error.code === 'invalid_api_key' ? <KeyForm /> : (
        <p className="row">
          {onRetry && <button type="button" onClick={onRetry}>{error.retryable ? 'Try again' : 'Ask again'}</button>}
          <button type="button" className="ghost" onClick={() => setShown(false)}>Hide</button>
          <code>{error.code}</code>
        </p>
      )}
    </div>
  );
}

function StatsLine({ stats, answer, model, isAway = false }: { stats: Stats | null; answer: Answer; model: string; isAway?: boolean }) {
  const parts = [
    model,
    stats?.ttft !== undefined && stats?.ttft !== null && `first token ${stats.ttft < 1000 ? `${Math.round(stats.ttft)} ms` : `${(stats.ttft / 1000).toFixed(1)} s`}`,
    stats?.rate && stats.tokens > 4 && stats.rate < 5000 && `${stats.rate.toFixed(stats.rate < 10 ? 1 : 0)} tokens/s`,
    stats && stats.tokens > 0 && `${stats.tokens} tokens`,
    stats && stats.reconnects > 0 && !isAway && (stats.reconnects === 1 ? 'reconnected once' : `reconnected ${stats.reconnects} times`),
    answer.finish === 'length' && 'cut at the token limit',
    answer.finish === 'content_filter' && 'cut by the provider’s filter',
  ].filter(Boolean);
  return <span className="stats">{parts.join(' · ')}</span>;
}
