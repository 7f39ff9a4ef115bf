import { useId, useState } from 'react';
import { apiKey, takeKey } from '../api';

/** For servers that ask who calls. */
export function KeyForm() {
  const id = useId();
  const [key, setKey] = useState('');
  return (
    <form className="key-form" onSubmit={event => { event.preventDefault(); takeKey(key.trim()); }}>
      <label htmlFor={id}>{apiKey ? 'The key that you gave does not open this. Another one:' : 'Your key'}</label>
      <p className="row">
        <input id={id} type="password" autoComplete="off" spellCheck={false} value={key} placeholder="pk_…" onChange={event => setKey(event.target.value)} />
        <button type="submit" className="primary" disabled={!key.trim()}>Go on</button>
      </p>
      <p className="note">It is kept in this tab alone, and goes with it.</p>
    </form>
  );
}
