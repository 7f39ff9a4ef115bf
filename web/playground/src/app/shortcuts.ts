import { useEffect, useRef } from 'react';

export interface Shortcut {
  /** As a person reads it: `Alt+N`, `Esc`, `?`. */
  keys: string;
  does: string;
}

/** All of them, for the help; what they do stands where they are used. */
export const shortcuts: readonly (Shortcut & { group: string })[] = [
  { group: 'Writing', keys: 'Enter', does: 'Send' },
  { group: 'Writing', keys: 'Shift+Enter', does: 'A new line' },
  { group: 'Writing', keys: '↑', does: 'In an empty field: edit the last question' },
  { group: 'Writing', keys: '/', does: 'Go to the field' },
  { group: 'Answers', keys: 'Esc', does: 'Stop the answer, on the server too' },
  { group: 'Answers', keys: 'Alt+R', does: 'Answer again' },
  { group: 'Answers', keys: 'Alt+C', does: 'Copy the last answer' },
  { group: 'Answers', keys: 'Alt+J', does: 'Down to the latest' },
  { group: 'Page', keys: 'Alt+N', does: 'New chat' },
  { group: 'Page', keys: 'Alt+K', does: 'Find a chat' },
  { group: 'Page', keys: 'Alt+M', does: 'Choose a model' },
  { group: 'Page', keys: 'Alt+P', does: 'System prompt and parameters' },
  { group: 'Page', keys: 'Alt+S', does: 'Show or hide the list of chats' },
  { group: 'Page', keys: 'Alt+T', does: 'Light or dark' },
  { group: 'Page', keys: '?', does: 'These keys' },
];

/** Calls `act` on a key of the page. Single keys do not work while one writes; `Esc` and those with Alt do. */
export function useShortcut(keys: string, act: () => void, enabled = true): void {
  const latest = useRef(act);
  useEffect(() => { latest.current = act; });
  useEffect(() => {
    if (!enabled) return;
    const letter = keys.startsWith('Alt+') ? `Key${keys.slice(4)}` : undefined;
    const hear = (event: KeyboardEvent) => {
      // A dialog has keys of its own: Esc closes it, and stops nothing.
      if (event.defaultPrevented || event.isComposing || event.ctrlKey || event.metaKey || document.querySelector('dialog[open]')) return;
      // By its place on the keyboard: with Alt, some systems write other letters.
      if (letter ? !event.altKey || event.code !== letter : event.altKey || event.key !== (keys === 'Esc' ? 'Escape' : keys)) return;
      if (!letter && keys !== 'Esc' && isWriting(event.target)) return;
      event.preventDefault();
      latest.current();
    };
    addEventListener('keydown', hear);
    return () => removeEventListener('keydown', hear);
  }, [keys, enabled]);
}

function isWriting(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && (target.isContentEditable || ['INPUT', 'TEXTAREA', 'SELECT'].includes(target.tagName));
}
