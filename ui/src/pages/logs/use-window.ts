import type { RefObject } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';

/** Below this many rows all of them are drawn. */
const DRAW_ALL = 500;
/** Rows drawn beyond what can be seen, and the step in which the part drawn moves. */
const BEYOND = 30;
const STEP = 10;
const FRAME_HEIGHT = 52;

export interface Window {
  from: number;
  to: number;
  /** Pixels of the rows before and after. */
  above: number;
  below: number;
  /** Scrolls as little as shows the row, or so that it stands high with room for what is open below. */
  reveal: (index: number, high?: boolean) => void;
  /** The first row that can be seen. */
  firstSeen: () => number;
}

/**
 * Which rows of a long list to draw. Every row is `row` pixels high and an open one adds what
 * `extra` says, by index. Scrolls with the page, or inside `scroller` when given.
 */
export function useWindow(
  holder: RefObject<HTMLElement | null>,
  scroller: RefObject<HTMLElement | null> | undefined,
  count: number,
  row: number,
  extra: Map<number, number>,
): Window {
  const [first, setFirst] = useState(0);
  const sizes = useRef({ row, extra, count });
  sizes.current = { row, extra, count };
  const whole = count <= DRAW_ALL;

  useEffect(() => {
    if (whole) return undefined;
    const look = () => {
      const element = holder.current;
      if (!element) return;
      const hidden = (scroller?.current?.getBoundingClientRect().top ?? 0) - element.getBoundingClientRect().top;
      const index = indexAt(hidden, sizes.current.row, sizes.current.extra);
      setFirst(Math.floor(Math.max(0, Math.min(index, sizes.current.count - 1)) / STEP) * STEP);
    };
    look();
    const target = scroller?.current ?? window;
    target.addEventListener('scroll', look, { passive: true });
    window.addEventListener('resize', look);
    return () => {
      target.removeEventListener('scroll', look);
      window.removeEventListener('resize', look);
    };
  }, [whole, scroller, count]);

  const seen = Math.ceil((scroller?.current?.clientHeight ?? window.innerHeight) / row) + STEP;
  const from = whole ? 0 : Math.max(0, first - BEYOND);
  const to = whole ? count : Math.min(count, first + seen + BEYOND);
  const total = topOf(count, row, extra);
  const above = topOf(from, row, extra);

  const reveal = (index: number, wantHigh = false) => {
    const element = holder.current;
    if (!element) return;
    const top = element.getBoundingClientRect().top + topOf(index, row, extra);
    const box = scroller?.current?.getBoundingClientRect();
    const [low, high] = box ? [box.top, box.bottom] : [FRAME_HEIGHT, window.innerHeight];
    if (top >= low && top + row <= high) return;
    const by = wantHigh ? top - low - (high - low) / 5 : top < low ? top - low - row : top + row - high + row;
    (scroller?.current ?? window).scrollBy({ top: by });
  };
  const firstSeen = () => {
    const top = holder.current?.getBoundingClientRect().top ?? 0;
    const low = scroller?.current?.getBoundingClientRect().top ?? FRAME_HEIGHT;
    return Math.max(0, Math.min(indexAt(low - top + row - 1, row, extra), count - 1));
  };
  return { firstSeen, from, to, above, below: Math.max(0, total - topOf(to, row, extra)), reveal };
}

/** Pixels above a row. */
function topOf(index: number, row: number, extra: Map<number, number>): number {
  let top = index * row;
  for (const [open, height] of extra) if (open < index) top += height;
  return top;
}

/** The row at so many pixels from the top. */
function indexAt(top: number, row: number, extra: Map<number, number>): number {
  let rest = top;
  let last = 0;
  for (const [open, height] of [...extra].sort(([a], [b]) => a - b)) {
    const before = (open + 1 - last) * row;
    if (rest < before) break;
    rest -= before;
    last = open + 1;
    if (rest < height) return open;
    rest -= height;
  }
  return last + Math.floor(rest / row);
}
