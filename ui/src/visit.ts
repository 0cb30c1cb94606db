import { type Patch, useUrlState } from './urlstate';

/**
 * What holds for a whole visit: the time range, the cluster, what charts are compared with, and how often pages ask anew.
 * It stands in the URL: `window` (seconds) or `since` and `until` (Unix seconds), `cluster`, `against`, `every` (seconds, 0 =
 * only when the reader asks). Every link made by `pathTo` keeps it, and the frame shows it on pages that follow it.
 */

/** Ranges to choose from, in seconds: the last minutes to the last week. */
export const WINDOWS = ['300', '900', '3600', '21600', '86400', '604800'] as const;
export type Window = (typeof WINDOWS)[number];
export const DEFAULT_WINDOW: Window = '3600';

export const AGAINST = ['', 'day', 'week'] as const;
export type Against = (typeof AGAINST)[number];

/** Seconds between two questions; the first is the usual one. */
export const EVERY = ['5', '30', '0'] as const;
export type Every = (typeof EVERY)[number];

export interface TimeSpan {
  since: number;
  until: number;
}

export interface Visit {
  cluster: string;
  window: Window;
  /** From a moment to a moment; undefined while the range moves with the time. */
  fixed: TimeSpan | undefined;
  /** The length of the range. */
  seconds: number;
  /** The range as parameters of a question. */
  asked: Patch;
  /** The same for lists of the newest: they end before the range only where it is fixed. */
  askedOfList: Patch;
  against: Against;
  every: Every;
  /** Milliseconds until the next question, at least so many; null where the answer stays the same or the reader rests. */
  cadence: (least: number) => number | null;
}

export function useVisit(): Visit {
  const { get } = useUrlState();
  return visitOf(get);
}

function visitOf(get: (key: string) => string): Visit {
  const fixed = fixedOf(get('since'), get('until'));
  const window = windowOf(get('window'));
  const every = EVERY.find((each) => each === get('every')) ?? EVERY[0];
  const span = fixed && { since: String(fixed.since), until: String(fixed.until) };
  const still = every === '0' || (fixed !== undefined && fixed.until < Date.now() / 1000 - SETTLED_S);
  return {
    cluster: get('cluster'),
    window,
    fixed,
    seconds: fixed ? fixed.until - fixed.since : Number(window),
    asked: span ?? { window },
    askedOfList: span ?? {},
    against: AGAINST.find((each) => each === get('against')) ?? '',
    every,
    cadence: (least) => (still ? null : Math.max(least, Number(every) * 1000)),
  };
}

/** So much later everything of a moment has come. */
const SETTLED_S = 60;
const SHORTEST_S = 10;
const FURTHEST = 4_000_000_000;

/** The longest range on offer that is not longer than the one in the URL; the log pages know longer ones. */
function windowOf(text: string): Window {
  const seconds = Number(text);
  if (!(seconds > 0)) return DEFAULT_WINDOW;
  return WINDOWS.findLast((each) => Number(each) <= seconds) ?? WINDOWS[0];
}

/** Whole seconds; undefined for what is no range. */
function fixedOf(since: string, until: string): TimeSpan | undefined {
  const span = { since: Math.floor(Number(since)), until: Math.ceil(Number(until)) };
  return span.since > 0 && span.until >= span.since + SHORTEST_S && span.until <= FURTHEST ? span : undefined;
}

/** What the address has to hold for a range to be the one of the visit. */
export function rangePatch(range: { window: Window } | TimeSpan): Patch {
  if ('window' in range) return { window: range.window === DEFAULT_WINDOW ? '' : range.window, since: '', until: '' };
  const since = Math.floor(range.since);
  return { window: '', since: String(since), until: String(Math.max(since + SHORTEST_S, Math.ceil(range.until))) };
}

const RANGE_KEYS = ['window', 'since', 'until'];
const KEYS = [...RANGE_KEYS, 'cluster', 'against', 'every'];

/** What the address at hand says of the visit, as keys of a query: of what `query` does not say itself. Several clusters (a search has them) are no choice. */
export function visitAt(search: string, query: Patch = {}): Patch {
  const params = new URLSearchParams(search);
  const own = RANGE_KEYS.some((key) => query[key]);
  const kept = KEYS.filter((key) => !(own && RANGE_KEYS.includes(key)) && params.getAll(key).length === 1);
  return Object.fromEntries(kept.map((key) => [key, params.get(key) ?? '']));
}
