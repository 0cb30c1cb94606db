import { useLocation } from 'preact-iso/router';
import { useMemo } from 'preact/hooks';
import { FILTER_FIELDS, type FilterField } from './filter-fields';

/** A search as the page's URL holds it: everything needed to see the same again. */

export const TABS = ['keyword', 'stack', 'client'] as const;
export type SearchTab = (typeof TABS)[number];

/** Quick ranges, in seconds. */
export const RANGES = { '15m': 900, '1h': 3600, '6h': 6 * 3600, '1d': 86400, '3d': 3 * 86400, '10d': 10 * 86400 } as const;
export type QuickRange = keyof typeof RANGES;
export const QUICK_RANGES = Object.keys(RANGES) as QuickRange[];

/** The last hour and so on, or from a moment to a moment in Unix seconds. */
export type Range = { quick: QuickRange } | Span;

export interface Span {
  since: number;
  until: number;
}

export type Filters = Record<FilterField, string[]>;

export interface Search {
  tab: SearchTab;
  q: string;
  filters: Filters;
  range: Range;
  /** Ranges to go back to, the last one first zoomed out of. */
  zoomedFrom: Range[];
  oldestFirst: boolean;
  live: boolean;
  /** The line or group of lines that is open. */
  open: string;
}

const DEFAULT_RANGE: Range = { quick: '1h' };

export function parseSearch(params: URLSearchParams): Search {
  const tab = params.get('tab');
  const since = Number(params.get('since'));
  const until = Number(params.get('until'));
  const filters = Object.fromEntries(FILTER_FIELDS.map((field) => [field, [...new Set(params.getAll(field))]])) as Filters;
  return {
    tab: TABS.find((each) => each === tab) ?? 'keyword',
    q: params.get('q') ?? '',
    filters,
    range: since > 0 && until > since ? { since, until } : parseRange(params.get('range') ?? quickOf(params.get('window'))),
    zoomedFrom: (params.get('zoom') ?? '').split('~').filter(Boolean).map(parseRange),
    oldestFirst: params.get('order') === 'asc',
    live: params.get('live') === '1',
    open: params.get('open') ?? '',
  };
}

export function formatSearch(search: Search): string {
  const params = new URLSearchParams();
  if (search.tab !== 'keyword') params.set('tab', search.tab);
  if (search.q) params.set('q', search.q);
  for (const field of FILTER_FIELDS) for (const value of search.filters[field]) params.append(field, value);
  if (!('quick' in search.range)) {
    params.set('since', seconds(search.range.since));
    params.set('until', seconds(search.range.until));
  } else if (search.range.quick !== '1h') params.set('window', String(RANGES[search.range.quick]));
  if (search.zoomedFrom.length) params.set('zoom', search.zoomedFrom.map(formatRange).join('~'));
  if (search.oldestFirst) params.set('order', 'asc');
  if (search.live) params.set('live', '1');
  if (search.open) params.set('open', search.open);
  const text = params.toString();
  return text ? `/logs?${text}` : '/logs';
}

/** The path of a search that differs from the neutral one in what is named. */
export function searchPath(changes: Partial<Omit<Search, 'filters'>> & { filters?: Partial<Filters> }): string {
  const neutral = parseSearch(new URLSearchParams());
  return formatSearch({ ...neutral, ...changes, filters: { ...neutral.filters, ...changes.filters } });
}

/** The moments a range means if now is `now` (Unix seconds). */
export function spanOf(range: Range, now: number): Span {
  return 'quick' in range ? { since: now - RANGES[range.quick], until: now } : range;
}

/** What the API calls the same search. */
export function apiParams(search: Pick<Search, 'tab' | 'q' | 'filters'>, span?: Span): URLSearchParams {
  const params = new URLSearchParams({ tab: search.tab });
  if (search.q.trim()) params.set('q', search.q);
  for (const field of FILTER_FIELDS) for (const value of search.filters[field]) params.append(field, value);
  if (span) {
    params.set('since', seconds(span.since));
    params.set('until', seconds(span.until));
  }
  return params;
}

export interface SearchState {
  search: Search;
  /** A new view: the browser's Back returns to the one before. Whatever was open is closed. */
  go: (changes: Partial<Search>) => void;
  /** The same view, a detail of it changed. */
  patch: (changes: Partial<Search>) => void;
}

export function useSearchState(): SearchState {
  const { url, route } = useLocation();
  const search = useMemo(() => parseSearch(new URL(url, location.origin).searchParams), [url]);
  const current = () => parseSearch(new URLSearchParams(location.search));
  return {
    search,
    go: (changes) => route(formatSearch({ ...current(), open: '', ...changes })),
    patch: (changes) => route(formatSearch({ ...current(), ...changes }), true),
  };
}

/** The range of the visit, in seconds, as one of ours; one that is shorter than all of them becomes the shortest. */
function quickOf(window: string | null): string {
  const wanted = Number(window ?? 0);
  return wanted > 0 ? (QUICK_RANGES.findLast((each) => RANGES[each] <= wanted) ?? '15m') : '';
}

function parseRange(text: string): Range {
  const quick = QUICK_RANGES.find((each) => each === text);
  if (quick) return { quick };
  const [since = 0, until = 0] = text.split('-').map(Number);
  return since > 0 && until > since ? { since, until } : DEFAULT_RANGE;
}

function formatRange(range: Range): string {
  return 'quick' in range ? range.quick : `${seconds(range.since)}-${seconds(range.until)}`;
}

/** Microseconds are what the store keeps; more digits would only be noise. */
function seconds(value: number): string {
  return String(Math.round(value * 1e6) / 1e6);
}
