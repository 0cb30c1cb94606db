/** The reader's recent queries, newest first, kept in this browser. */

const KEY = 'pie.logs.recent';
const MOST = 20;

export function recentQueries(): string[] {
  try {
    const stored: unknown = JSON.parse(localStorage.getItem(KEY) ?? '[]');
    return Array.isArray(stored) ? stored.filter((each) => typeof each === 'string').slice(0, MOST) : [];
  } catch {
    return [];
  }
}

export function rememberQuery(query: string): void {
  const text = query.trim();
  if (text) store([text, ...recentQueries().filter((each) => each !== text)].slice(0, MOST));
}

export function forgetQueries(): void {
  store([]);
}

// Storage can be forbidden by the browser's settings; then there is no history.
function store(queries: string[]): void {
  try {
    localStorage.setItem(KEY, JSON.stringify(queries));
  } catch {
    return;
  }
}
