import { readStorage, writeStorage } from './preferences';
import { createStore } from './store';

/** The services a reader uses most: what they starred, and what they visit. Kept in the browser. */
export interface Favourites {
  starred: string[];
  visits: Record<string, number>;
}

const KEY = 'pie.favourites';
const MOST_KEPT = 100;

export const favourites = createStore<Favourites>(remembered());

export function toggleStar(psm: string): void {
  const { starred, visits } = favourites.get();
  const next = starred.includes(psm) ? starred.filter((name) => name !== psm) : [...starred, psm];
  keep({ starred: next.slice(-MOST_KEPT), visits });
}

export function noteVisit(psm: string): void {
  const { starred, visits } = favourites.get();
  const counted = { ...visits, [psm]: (visits[psm] ?? 0) + 1 };
  keep({ starred, visits: Object.fromEntries(byVisits(counted).slice(0, MOST_KEPT)) });
}

/** The starred ones, then the most visited, at most `limit` beyond the starred. */
export function mostUsed({ starred, visits }: Favourites, limit: number): string[] {
  const visited = byVisits(visits).map(([psm]) => psm);
  const others = visited.filter((psm) => !starred.includes(psm));
  return [...starred, ...others.slice(0, Math.max(0, limit - starred.length))];
}

function byVisits(visits: Record<string, number>): Array<[string, number]> {
  return Object.entries(visits).sort((a, b) => b[1] - a[1]);
}

function keep(next: Favourites): void {
  favourites.set(next);
  writeStorage(KEY, JSON.stringify(next));
}

/** What an older or a broken page left is taken as far as it makes sense. */
function remembered(): Favourites {
  const nothing: Favourites = { starred: [], visits: {} };
  try {
    const stored: unknown = JSON.parse(readStorage(KEY) ?? 'null');
    if (typeof stored !== 'object' || stored === null) return nothing;
    const { starred, visits } = stored as Partial<Record<keyof Favourites, unknown>>;
    return {
      starred: Array.isArray(starred) ? starred.filter((name) => typeof name === 'string') : [],
      visits:
        typeof visits === 'object' && visits !== null
          ? Object.fromEntries(Object.entries(visits).filter(([, n]) => typeof n === 'number'))
          : {},
    };
  } catch {
    return nothing;
  }
}
