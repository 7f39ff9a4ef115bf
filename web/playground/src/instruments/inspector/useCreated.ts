import { useEffect, useState } from 'react';
import { client } from '../../api';
import { guest } from '../../guest';

/** When the server had the request, in milliseconds by its own clock; a guest may not ask. */
export function useCreated(generation: string): number | undefined {
  const [created, setCreated] = useState<number>();
  useEffect(() => {
    setCreated(undefined);
    if (guest) return;
    const leaving = new AbortController();
    client.get(generation, { signal: leaving.signal }).then(({ createdAt }) => setCreated(Date.parse(createdAt)), () => {});
    return () => leaving.abort();
  }, [generation]);
  return created;
}
