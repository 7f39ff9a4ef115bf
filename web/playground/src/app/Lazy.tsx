import { Component, lazy, Suspense, type ComponentType, type ReactNode } from 'react';

const known = new Map<string, ComponentType<never>>();

/** A part of the page that is loaded when it is shown first. */
export function Lazy<P extends object>({ id, load, props }: { id: string; load: () => Promise<{ default: ComponentType<P> }>; props: P }) {
  if (!known.has(id)) known.set(id, lazy(load) as unknown as ComponentType<never>);
  const Part = known.get(id) as unknown as ComponentType<P>;
  return <Boundary key={id}><Suspense fallback={<p className="note pad">Loading…</p>}><Part {...props} /></Suspense></Boundary>;
}

/** What breaks in a part breaks that part alone. */
export class Boundary extends Component<{ children: ReactNode }, { error: Error | undefined }> {
  override state = { error: undefined as Error | undefined };

  static getDerivedStateFromError(error: Error) {
    return { error };
  }

  override render() {
    const { error } = this.state;
    if (!error) return this.props.children;
    return <div className="error pad" role="alert"><p><strong>This part of the page has failed.</strong> {error.message}</p><p><button type="button" onClick={() => this.setState({ error: undefined })}>Try again</button></p></div>;
  }
}
