import type { Usage } from 'penstock';
import { useRecording } from './recordings';

/** What a stop has done, for as long as this page knows it. */
export function StopReceipt({ generation, tokens, usage, most }: {
  generation: string | null;
  tokens: number;
  usage: Usage | null;
  /** How many tokens it might have had, where the question said so. */
  most: unknown;
}) {
  const marks = useRecording(generation ?? '')?.marks ?? [];
  const asked = marks.findLast(m => m.kind === 'stop');
  const done = asked && marks.find(m => m.kind === 'stopped' && m.at >= asked.at);
  const inputs = usage?.inputTokens;
  const spared = typeof most === 'number' ? most - tokens : 0;
  return (
    <p className="note stop-receipt">
      {done ? `Stopped ${done.at - asked.at} ms after you asked` : 'Stopped'}
      {tokens > 0 && `, at ${tokens} ${tokens === 1 ? 'token' : 'tokens'}`}
      {usage && inputs !== undefined && ` (${inputs} in, ${usage.outputTokens ?? tokens} out, ${{ provider: 'counted by the provider', estimated: 'counted here', partial: 'the provider’s last word' }[usage.source]})`}{spared > 0 && `; up to ${spared.toLocaleString('en')} more were spared`}.
    </p>
  );
}
