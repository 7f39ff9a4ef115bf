import type { Snapshot } from 'penstock';

/** Who reads this run now, each with how far it lags, and where a silence is. */
export function Watchers({ server: { status, offset, watchers }, last }: { server: Snapshot; last: number }) {
  return (
    <section className="watchers">
      <h3>At the server now <span className="note">{status === 'queued' ? 'waits for a worker' : offset > last ? `${count(offset - last, 'event')} on the way to this page` : 'this page has all that the log has'}</span></h3>
      {watchers && (
        <ul>
          {watchers.map(({ offset: at, lag }, i) => (
            <li key={i} className={lag > 0 ? 'behind' : undefined}>
              <span className="lag"><span style={{ width: `${offset < 0 ? 100 : ((Math.max(at, 0) + 1) / (offset + 1)) * 100}%` }} /></span>
              <span>watcher {i + 1}</span>
              <span>{lag === 0 ? 'at the end' : `${count(lag, 'event')} behind`}</span>
            </li>
          ))}
          {watchers.length === 0 && <li className="note">Nobody reads it at this moment.</li>}
        </ul>
      )}
    </section>
  );
}

function count(number: number, what: string): string {
  return `${number.toLocaleString('en')} ${what}${number === 1 ? '' : 's'}`;
}
