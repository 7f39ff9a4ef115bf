import { useCallback, useEffect, useRef, useState, type RefObject } from 'react';

const near = 24;

/**
 * Keeps the end in sight while it grows, for as long as the person is there. Any gesture upwards lets go at once, however small;
 * to come back to the end takes hold again.
 */
export function useFollow(scroller: RefObject<HTMLElement | null>, content: RefObject<HTMLElement | null>, isEmpty: boolean) {
  const following = useRef(true);
  const empty = useRef(isEmpty);
  useEffect(() => { empty.current = isEmpty; }, [isEmpty]);
  const [away, setAway] = useState(false);
  // While we hold the end the browser must not hold something else; when we let go it keeps in place what one reads.
  const hold = useCallback((held: boolean) => {
    following.current = held;
    if (scroller.current) scroller.current.style.overflowAnchor = held ? 'none' : 'auto';
  }, [scroller]);
  const toEnd = useCallback(() => {
    hold(true);
    setAway(false);
    scroller.current?.scrollTo({ top: scroller.current.scrollHeight });
  }, [scroller, hold]);

  useEffect(() => {
    const box = scroller.current!;
    const distance = () => box.scrollHeight - box.scrollTop - box.clientHeight;
    let last = box.scrollTop;
    let lastHeight = box.scrollHeight;
    let touched = 0;
    const letGo = () => {
      if (box.scrollHeight <= box.clientHeight) return;
      hold(false);
      setAway(distance() > near);
    };
    const wheel = (event: WheelEvent) => { if (event.deltaY < 0) letGo(); };
    const touch = (event: TouchEvent) => {
      const at = event.touches[0]!.clientY;
      if (event.type === 'touchmove' && at > touched) letGo();
      touched = at;
    };
    const key = (event: KeyboardEvent) => {
      const inField = event.target instanceof HTMLElement && /^(?:TEXTAREA|INPUT)$/.test(event.target.tagName);
      if (!inField && ['ArrowUp', 'PageUp', 'Home'].includes(event.key)) letGo();
    };
    const scroll = () => {
      // Upwards though nothing became shorter: a scroll bar, a find in the page, a screen reader.
      if (box.scrollTop < last - 2 && box.scrollHeight >= lastHeight) hold(false);
      else if (box.scrollTop > last && distance() <= near) hold(true);
      last = box.scrollTop;
      lastHeight = box.scrollHeight;
      setAway(!following.current && distance() > near);
    };
    const grown = new ResizeObserver(() => {
      if (empty.current) return; // a page to read from its top
      if (following.current) box.scrollTop = box.scrollHeight;
      else setAway(distance() > near);
      lastHeight = box.scrollHeight;
      last = box.scrollTop;
    });
    grown.observe(box);
    grown.observe(content.current!);
    box.addEventListener('wheel', wheel, { passive: true });
    box.addEventListener('touchstart', touch, { passive: true });
    box.addEventListener('touchmove', touch, { passive: true });
    box.addEventListener('keydown', key);
    box.addEventListener('scroll', scroll, { passive: true });
    return () => {
      grown.disconnect();
      box.removeEventListener('wheel', wheel);
      box.removeEventListener('touchstart', touch);
      box.removeEventListener('touchmove', touch);
      box.removeEventListener('keydown', key);
      box.removeEventListener('scroll', scroll);
    };
  }, [scroller, content, hold]);

  return { away, toEnd };
}
