import { useLayoutEffect, type RefObject } from 'react';

/** A field that is as high as its text, in browsers whose styles have no word for that yet. */
export function useAutosize(field: RefObject<HTMLTextAreaElement | null>, text: string): void {
  useLayoutEffect(() => {
    if (CSS.supports('field-sizing', 'content')) return;
    const box = field.current!;
    box.style.height = 'auto';
    box.style.height = `${box.scrollHeight}px`;
  }, [field, text]);
}
