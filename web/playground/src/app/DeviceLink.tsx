import { useEffect, useRef, useState } from 'react';
import type { Conversation } from '../conversations/model';
import { linkTo } from '../conversations/link';
import { CopyButton } from './CopyButton';
import { Icon } from './Icon';

/** An address that goes on with this chat elsewhere, in mid-sentence if need be. */
export function DeviceLink({ conversation }: { conversation: Conversation }) {
  const [link, setLink] = useState<string>();
  const box = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (link === undefined) return;
    const outside = (event: PointerEvent) => { if (!box.current?.contains(event.target as Node)) setLink(undefined); };
    const escape = (event: KeyboardEvent) => { if (event.key === 'Escape') { event.preventDefault(); setLink(undefined); } };
    addEventListener('pointerdown', outside);
    addEventListener('keydown', escape, true);
    return () => { removeEventListener('pointerdown', outside); removeEventListener('keydown', escape, true); };
  }, [link]);
  return (
    <div ref={box} className="device-link">
      <button type="button" className="ghost round" aria-label="Go on at another device" title="Go on at another device" aria-expanded={link !== undefined}
        onClick={() => (link === undefined ? void linkTo(conversation, location.href.replace(/#.*$/, '')).then(setLink) : setLink(undefined))}><Icon name="device" /></button>
      {link !== undefined && (
        <div className="popover">
          <p>Open this address at another device. What is being answered goes on there at the same word.</p>
          <p className="row"><input readOnly aria-label="Address" value={link} onFocus={event => event.target.select()} autoFocus /><CopyButton text={link} what="address" /></p>
          <p className="note">It holds your questions, after the #, where no server sees them. Pictures stay here.</p>
        </div>
      )}
    </div>
  );
}
