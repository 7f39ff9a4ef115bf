import { useEffect, useRef } from 'react';
import { Icon } from './Icon';
import { shortcuts } from './shortcuts';

export function Help({ onClose }: { onClose: () => void }) {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => { dialog.current!.showModal(); }, []);
  const groups = [...new Set(shortcuts.map(s => s.group))];
  return (
    <dialog ref={dialog} className="help" aria-label="Keys" onClose={onClose} onClick={event => { if (event.target === dialog.current) dialog.current.close(); }}>
      <div>
        <header><h2>Keys</h2><button type="button" className="ghost round" aria-label="Close" onClick={() => dialog.current!.close()}><Icon name="close" /></button></header>
        {groups.map(group => (
          <section key={group}>
            <h3>{group}</h3>
            <dl>{shortcuts.filter(s => s.group === group).map(({ keys, does }) => <div key={keys}><dt>{keys.split('+').map(key => <kbd key={key}>{key}</kbd>)}</dt><dd>{does}</dd></div>)}</dl>
          </section>
        ))}
      </div>
    </dialog>
  );
}
