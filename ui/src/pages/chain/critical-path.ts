import { clientSpan, serverSpan, type Span } from './timeline';
import type { Item } from './tree';

/** Differences below this are the clocks' noise. */
const TOLERANCE_MS = 1;

/**
 * What the chain's total time was spent on: from the end backwards, always the child that finished
 * last. A child that its caller did not wait for, or whose time contradicts it, is not on the path.
 *
 * Returns the pieces of each item's time that lie on the path, by its key.
 */
export function criticalPath(root: Item | undefined): Map<string, Span[]> {
  const pieces = new Map<string, Span[]>();
  const add = (item: Item, from: number, to: number) => {
    if (to <= from) return;
    const known = pieces.get(item.key);
    if (known) known.push({ from, to });
    else pieces.set(item.key, [{ from, to }]);
  };
  const visit = (item: Item, own: Span) => {
    let cursor = own.to;
    const finishedLast = item.children
      .map((child) => ({ child, waited: clientSpan(child) ?? serverSpan(child) }))
      .sort((a, b) => (b.waited?.to ?? 0) - (a.waited?.to ?? 0));
    for (const { child, waited } of finishedLast) {
      if (!waited || waited.to > cursor + TOLERANCE_MS || waited.from < own.from - TOLERANCE_MS) continue;
      const end = Math.min(waited.to, cursor);
      add(item, end, cursor);
      const served = serverSpan(child);
      if (served && contains(waited, served)) visit(child, served);
      else add(child, waited.from, end);
      cursor = Math.min(end, waited.from);
    }
    add(item, own.from, cursor);
  };
  const whole = root && (serverSpan(root) ?? clientSpan(root));
  if (whole) visit(root, whole);
  return pieces;
}

function contains(outer: Span, inner: Span): boolean {
  return inner.from >= outer.from - TOLERANCE_MS && inner.to <= outer.to + TOLERANCE_MS;
}
