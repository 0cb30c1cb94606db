import type { Patch } from './urlstate';

/**
 * What holds for a whole visit: the time range and the cluster. Both stand in the URL (`window` in seconds, `cluster`),
 * every link made by `pathTo` keeps them, and the frame shows them on pages whose manifest names them in `visit`.
 */

/** Ranges to choose from, in seconds: the last minute to the last day. */
export const WINDOWS = ['60', '300', '900', '3600', '21600', '86400'] as const;
export type Window = (typeof WINDOWS)[number];

export const DEFAULT_WINDOW: Window = '300';

/** The longest range on offer that is not longer than the one in the URL; the log pages know longer ones. */
export function windowOf(text: string): Window {
  const seconds = Number(text);
  if (!(seconds > 0)) return DEFAULT_WINDOW;
  return WINDOWS.findLast((each) => Number(each) <= seconds) ?? WINDOWS[0];
}

/** What the address at hand says of the visit, as keys of a query. Several clusters (a search has them) are no choice. */
export function visitAt(search: string): Patch {
  const params = new URLSearchParams(search);
  const clusters = params.getAll('cluster');
  return { window: params.get('window') ?? '', cluster: clusters.length === 1 ? clusters[0] : '' };
}
