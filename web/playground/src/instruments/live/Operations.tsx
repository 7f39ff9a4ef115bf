import { get } from '../../api';

interface Health {
  readonly calls: number;
  readonly failures: number;
  readonly usualDelayMs?: number;
}

/** How the server and its providers are, as an operator may see it. */
export interface Operations {
  readonly running: number;
  readonly queue: { readonly ready: boolean; readonly waiting?: number };
  readonly providers: readonly (Health & { readonly name: string })[];
  readonly targets: readonly (Health & { readonly alias: string; readonly target: string; readonly state: 'asked' | 'resting' | 'probing' })[];
}

/** Null for one who is no operator. */
export async function readOperations(): Promise<Operations | null> {
  const reply = await get('/v1/operations');
  return reply.ok ? ((await reply.json()) as Operations) : null;
}

export function OperationsView({ operations: { running, queue, providers, targets } }: { operations: Operations }) {
  return (
    <section className="operations" aria-label="The server">
      <dl className="figures">
        <div><dt>Running at this node</dt><dd>{running.toLocaleString('en')}</dd></div>
        <div><dt>Waiting in the queue</dt><dd>{queue.ready ? queue.waiting!.toLocaleString('en') : 'not reached'}</dd></div>
        {providers.map(provider => <div key={provider.name} className={classOf(provider)}><dt>{provider.name}</dt><dd>{wordOf(provider)}</dd><dd className="note">{detailOf(provider)}</dd></div>)}
      </dl>
      {targets.length > 0 && (
        <table className="sides">
          <thead><tr><th scope="col">Alias</th><th scope="col">Target</th><th scope="col">State</th><th scope="col">Last half minute</th></tr></thead>
          <tbody>{targets.map(target => (
            <tr key={`${target.alias} ${target.target}`} className={target.state === 'asked' ? undefined : 'other'}>
              <th scope="row">{target.alias}</th><td>{target.target}</td>
              <td>{{ asked: 'asked', resting: 'resting after failures', probing: 'one call tries it' }[target.state]}</td>
              <td>{detailOf(target)}</td>
            </tr>
          ))}</tbody>
        </table>
      )}
    </section>
  );
}

function classOf({ calls, failures }: Health): string | undefined {
  return failures > 0 ? (failures * 2 >= calls ? 'failing' : 'shaky') : undefined;
}

function wordOf({ calls, failures }: Health): string {
  if (calls === 0) return 'idle';
  return failures === 0 ? 'well' : failures * 2 >= calls ? 'failing' : 'shaky';
}

function detailOf({ calls, failures, usualDelayMs }: Health): string {
  if (calls === 0) return 'no calls lately';
  return `${failures} of ${calls} failed${usualDelayMs === undefined ? '' : ` · begins within ${usualDelayMs.toLocaleString('en')} ms`}`;
}
