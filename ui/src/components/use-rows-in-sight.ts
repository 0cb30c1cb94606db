import type { RefObject } from 'preact';
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';

/** Pixels above and below the window in which rows are drawn, too, so that scrolling shows no gap. */
const BEYOND = 600;
/** Rows drawn before anything is known of the page. */
const FIRST = 40;

export interface RowsInSight {
  from: number;
  to: number;
  /** Pixels that the rows before and after those take. */
  above: number;
  below: number;
}

/**
 * Which rows of a long table that scrolls with the window are in sight: only these need to be drawn.
 *
 * Rows may differ in height. Each group of elements in `body` with the same `data-row` is one row; its height is
 * measured when it is drawn and remembered by that name, and `estimate` pixels stand for the others.
 */
export function useRowsInSight(body: RefObject<HTMLElement | null>, names: readonly string[], estimate: number): RowsInSight {
  const heights = useRef(new Map<string, number>());
  const latest = useRef(names);
  latest.current = names;
  const [range, setRange] = useState<RowsInSight>({ from: 0, to: FIRST, above: 0, below: 0 });

  const look = () => {
    if (!body.current) return;
    measure(body.current, heights.current);
    const top = -body.current.getBoundingClientRect().top;
    const next = inSight(latest.current, (name) => heights.current.get(name) ?? estimate, top - BEYOND, top + window.innerHeight + BEYOND);
    setRange((old) => (same(old, next) ? old : next));
  };
  useLayoutEffect(look);
  useEffect(() => {
    window.addEventListener('scroll', look, { passive: true });
    window.addEventListener('resize', look);
    return () => {
      window.removeEventListener('scroll', look);
      window.removeEventListener('resize', look);
    };
  }, []);
  return { ...range, from: Math.min(range.from, names.length), to: Math.min(range.to, names.length) };
}

function measure(body: HTMLElement, heights: Map<string, number>): void {
  const found = new Map<string, number>();
  for (const row of body.querySelectorAll<HTMLElement>(':scope > [data-row]')) {
    const name = row.dataset.row ?? '';
    found.set(name, (found.get(name) ?? 0) + row.getBoundingClientRect().height);
  }
  for (const [name, height] of found) heights.set(name, height);
}

function inSight(names: readonly string[], heightOf: (name: string) => number, top: number, bottom: number): RowsInSight {
  let at = 0;
  let from = 0;
  let above = 0;
  let to = names.length;
  let drawn = 0;
  names.forEach((name, index) => {
    const height = heightOf(name);
    if (at + height < top) {
      from = index + 1;
      above = at + height;
    } else if (at <= bottom) {
      to = index + 1;
      drawn = at + height;
    }
    at += height;
  });
  if (from >= to) return { from, to: from, above, below: at - above };
  return { from, to, above, below: Math.max(0, at - drawn) };
}

function same(a: RowsInSight, b: RowsInSight): boolean {
  return a.from === b.from && a.to === b.to && Math.abs(a.above - b.above) < 1 && Math.abs(a.below - b.below) < 1;
}
