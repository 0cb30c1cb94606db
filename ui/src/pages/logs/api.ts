import { useEffect, useRef, useState } from 'preact/hooks';
import { ApiError, getJson } from '../../api/client';
import type { Line, SearchAnswer } from '../../api.gen';

const PAGE = 200;

export interface Results {
  lines: Line[];
  /** The first page's own answer: how long it took, whether the query is a logid. */
  first: SearchAnswer | undefined;
  error: ApiError | undefined;
  /** The first page is on its way; older results may still be shown. */
  pending: boolean;
  more: boolean;
  loadingMore: boolean;
  moreError: ApiError | undefined;
  loadMore: () => void;
}

interface State {
  key: string;
  lines: Line[];
  first: SearchAnswer | undefined;
  next: string | null;
  error: ApiError | undefined;
}

const NOTHING: State = { key: '', lines: [], first: undefined, next: null, error: undefined };

/** The lines a search finds, page after page. The lines of the search before stay until new ones come. */
export function useResults(query: string, round: number): Results {
  const key = `${round} ${query}`;
  const [state, setState] = useState(NOTHING);
  const [loadingMore, setLoadingMore] = useState(false);
  const [moreError, setMoreError] = useState<ApiError>();
  const aborter = useRef(new AbortController());

  useEffect(() => {
    const mine = new AbortController();
    aborter.current = mine;
    setLoadingMore(false);
    setMoreError(undefined);
    getJson<SearchAnswer>(`/api/logs/search?${query}&limit=${PAGE}`, mine.signal).then(
      (first) => setState({ key, lines: first.lines, first, next: first.next, error: undefined }),
      (reason: unknown) => {
        if (!mine.signal.aborted) setState((old) => ({ ...old, key, error: asApiError(reason) }));
      },
    );
    return () => mine.abort();
  }, [key]);

  const loadMore = () => {
    if (loadingMore || state.key !== key || state.next === null) return;
    const { signal } = aborter.current;
    setLoadingMore(true);
    setMoreError(undefined);
    getJson<SearchAnswer>(`/api/logs/search?${query}&limit=${PAGE}&cursor=${encodeURIComponent(state.next)}`, signal).then(
      (page) => {
        setLoadingMore(false);
        setState((old) => (old.key === key ? { ...old, lines: joined(old.lines, page.lines), next: page.next } : old));
      },
      (reason: unknown) => {
        if (signal.aborted) return;
        setLoadingMore(false);
        setMoreError(asApiError(reason));
      },
    );
  };
  return {
    lines: state.lines,
    first: state.first,
    error: state.key === key ? state.error : undefined,
    pending: state.key !== key,
    more: state.key === key && state.next !== null && !state.error,
    loadingMore,
    moreError,
    loadMore,
  };
}

export function asApiError(reason: unknown): ApiError {
  return reason instanceof ApiError ? reason : new ApiError(0, String(reason));
}

/** A line is shown once, also when it is on both sides of a page's edge. */
export function joined(before: Line[], after: Line[]): Line[] {
  const known = new Set(before.map(({ id }) => id));
  return [...before, ...after.filter(({ id }) => !known.has(id))];
}
