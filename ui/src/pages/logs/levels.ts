import type { Bucket } from '../../api.gen';

/** Levels from the gravest: errors stand on the base line of a chart, where their height can be read. */
const ORDER = ['FATAL', 'CRITICAL', 'ERROR', 'WARNING', 'WARN', 'NOTICE', 'INFO', 'DEBUG', 'TRACE'];

export type LevelTone = 'bad' | 'mild' | 'plain' | 'faint';

export function toneOf(level: string): LevelTone {
  const rank = ORDER.indexOf(level.toUpperCase());
  if (rank < 0) return 'faint';
  if (rank <= 2) return 'bad';
  if (rank <= 4) return 'mild';
  return rank <= 6 ? 'plain' : 'faint';
}

export function byGravity(a: string, b: string): number {
  return rankOf(a) - rankOf(b) || a.localeCompare(b);
}

/** Every level of the buckets, the gravest first. */
export function levelsOf(buckets: Bucket[]): string[] {
  return [...new Set(buckets.flatMap(({ levels }) => Object.keys(levels)))].sort(byGravity);
}

function rankOf(level: string): number {
  const rank = ORDER.indexOf(level.toUpperCase());
  return rank < 0 ? ORDER.length : rank;
}
