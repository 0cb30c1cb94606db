import type { RefObject } from 'preact';
import { useLayoutEffect } from 'preact/hooks';

/** Closes what is open on Escape and on a press outside of it, from the moment it is seen. */
export function useDismiss(holder: RefObject<HTMLElement | null>, open: boolean, close: () => void): void {
  useLayoutEffect(() => {
    if (!open) return undefined;
    const onPress = (event: PointerEvent) => {
      if (event.target instanceof Node && !holder.current?.contains(event.target)) close();
    };
    const onKey = (event: KeyboardEvent) => {
      if (event.key !== 'Escape') return;
      event.stopPropagation(); // this one press closes this one thing
      close();
    };
    document.addEventListener('pointerdown', onPress);
    window.addEventListener('keydown', onKey, true);
    return () => {
      document.removeEventListener('pointerdown', onPress);
      window.removeEventListener('keydown', onKey, true);
    };
  }, [open]);
}
