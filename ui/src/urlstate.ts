import { useLocation } from 'preact-iso/router';

/** Changes to the query string: a missing or empty value removes its key. */
export type Patch = Record<string, string | undefined>;

export interface UrlState {
  get: (key: string) => string;
  /** Replace keys without a new entry in the history. */
  patch: (changes: Patch) => void;
  /** Replace keys in a new entry, so that Back undoes it: for what the reader opens or closes. */
  push: (changes: Patch) => void;
}

/** The view's state, kept in the URL so that any view can be shared. */
export function useUrlState(): UrlState {
  const { query, route } = useLocation();
  return {
    get: (key) => query[key] ?? '',
    patch: (changes) => route(patched(window.location, changes), true),
    push: (changes) => {
      const next = patched(window.location, changes);
      route(next, next === window.location.pathname + window.location.search);
    },
  };
}

function patched({ pathname, search }: Location, changes: Patch): string {
  const params = new URLSearchParams(search);
  for (const [key, value] of Object.entries(changes)) {
    if (value) params.set(key, value);
    else params.delete(key);
  }
  const text = params.toString();
  return text ? `${pathname}?${text}` : pathname;
}

/** A path with a query of the keys that have a value. */
export function withQuery(path: string, values: Patch): string {
  const params = new URLSearchParams();
  for (const [key, value] of Object.entries(values)) if (value) params.set(key, value);
  const text = params.toString();
  return text ? `${path}?${text}` : path;
}
