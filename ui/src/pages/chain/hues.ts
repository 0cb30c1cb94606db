import type { Item } from './tree';

const HUES = 8;

/** A colour class for each service, in the order in which the chain meets them. */
export function huesOf(items: Item[]): Map<string, string> {
  const hues = new Map<string, string>();
  for (const { node, call } of items) {
    const psm = node?.psm ?? call?.callee ?? '';
    if (!hues.has(psm)) hues.set(psm, `hue-${hues.size % HUES}`);
  }
  return hues;
}
