import type { IconName } from './components/icon';
import type { PageName } from './pages.gen';
import type { Language } from './preferences';

/** The groups of the navigation, from top to bottom: daily work, the whole fleet, and the platform itself at the foot. */
export const GROUPS = ['main', 'fleet', 'platform'] as const;
export type Group = (typeof GROUPS)[number];

/** What holds for a whole visit, and stands in the frame where a page follows it. */
export type VisitKey = 'window' | 'cluster' | 'against';

/**
 * What the rest of the UI knows of a page: the manifest in `pages/<name>/page.ts`.
 *
 * Beside it stand `screen.tsx`, whose default export is the page's component, and `style.css`. Both are
 * loaded when the page is first shown; the build finds them by these names.
 */
export interface Page {
  /** As the router matches it: `:name` is a segment, `:name?` an optional one, `:name*` the rest. */
  path: `/${string}`;
  /** What people call it, in the navigation or on its tab. */
  title: Record<Language, string>;
  /** Where it stands in the main navigation; in its group, the lowest comes first. `g` and `key` lead there. Without it, it is not there. */
  nav?: { order: number; group?: Group; icon?: IconName; key?: string };
  /** The page whose entry in the navigation is marked while this one is shown. */
  partOf?: PageName;
  /** It is a tab of another page, which shows it below its own head. */
  tab?: { of: PageName; order: number };
  /** Which choices of the frame the page follows: the time range and how often it asks, the cluster, what its charts are compared with. */
  visit?: readonly VisitKey[];
}

/** Checks a manifest, and keeps its path as a literal type so that links to it are typed. */
export function definePage<const P extends Page>(page: P): P {
  return page;
}
