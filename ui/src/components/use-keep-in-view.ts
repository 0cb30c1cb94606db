import type { RefObject } from 'preact';
import { useEffect, useRef } from 'preact/hooks';

/**
 * Scrolls a card so that its row with this key is seen, when the key changes. Only the card moves:
 * the page does not scroll.
 */
export function useKeepInView<E extends HTMLElement>(key: string): RefObject<E | null> {
  const holder = useRef<E>(null);
  useEffect(() => {
    const card = holder.current;
    const row = key && card?.querySelector(`[data-key="${CSS.escape(key)}"]`);
    if (!card || !row) return;
    const inside = card.getBoundingClientRect();
    const { top, bottom } = row.getBoundingClientRect();
    const hidden = top < inside.top + HEADING || bottom > inside.bottom;
    if (hidden) card.scrollTop += top - inside.top - card.clientHeight / 3;
  }, [key]);
  return holder;
}

/** What the card's own heading covers. */
const HEADING = 30;
