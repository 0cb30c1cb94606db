import type { RefObject } from 'preact';
import { useEffect, useLayoutEffect, useState } from 'preact/hooks';

/** Rows beyond the edges of the window that are drawn, too, so that scrolling shows no gap. */
const BEYOND = 12;

/**
 * Which rows of a long list are in sight, as `[from, to)`: only these need to be drawn. The list scrolls with
 * the window; `holder` is as high as all of its rows, each `height` pixels.
 */
export function useVisibleRows(holder: RefObject<HTMLElement | null>, rows: number, height: number): readonly [number, number] {
  const [range, setRange] = useState<readonly [number, number]>([0, Math.min(rows, 60)]);
  const look = () => {
    if (!holder.current) return;
    const above = -holder.current.getBoundingClientRect().top;
    const from = Math.max(0, Math.floor(above / height) - BEYOND);
    const to = Math.min(rows, Math.ceil((above + window.innerHeight) / height) + BEYOND);
    setRange((old) => (old[0] === from && old[1] === to ? old : [from, Math.max(from, to)]));
  };
  useLayoutEffect(look, [rows, height]);
  useEffect(() => {
    window.addEventListener('scroll', look, { passive: true });
    window.addEventListener('resize', look);
    return () => {
      window.removeEventListener('scroll', look);
      window.removeEventListener('resize', look);
    };
  }, [rows, height]);
  return range;
}
