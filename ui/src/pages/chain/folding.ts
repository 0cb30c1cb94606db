import type { Item, Tree } from './tree';

/** Which parts of the tree are folded away. A chain of thousands opens as a few dozen rows. */
export interface Folding {
  collapsed: ReadonlySet<string>;
  /** How many children of an item are shown, by its key; all where there is no entry. */
  limits: ReadonlyMap<string, number>;
}

export type Row = { item: Item; rest?: undefined } | { item: null; rest: Rest };

/** The children of one parent that are not shown yet. */
export interface Rest {
  parentKey: string;
  depth: number;
  hidden: number;
  failed: number;
}

const SHOWN_WHOLE = 100;
const BUDGET = 50;
const SIBLINGS = 20;
const STEP = 200;
const TOP = '';

/** Open level by level until the budget is spent. */
export function initialFolding({ roots, items }: Tree): Folding {
  if (items.length <= SHOWN_WHOLE) return { collapsed: new Set(), limits: new Map() };
  const collapsed = new Set<string>();
  const limits = new Map<string, number>([[TOP, SIBLINGS]]);
  const queue = roots.slice(0, SIBLINGS);
  let shown = queue.length;
  for (const item of queue) {
    const more = Math.min(item.children.length, SIBLINGS);
    if (more === 0) continue;
    limits.set(item.key, SIBLINGS);
    if (shown + more > BUDGET) {
      collapsed.add(item.key);
      continue;
    }
    shown += more;
    queue.push(...item.children.slice(0, SIBLINGS));
  }
  for (const item of items) if (item.children.length > 0 && !limits.has(item.key)) limits.set(item.key, SIBLINGS);
  return { collapsed, limits };
}

export function toggled(folding: Folding, key: string): Folding {
  const collapsed = new Set(folding.collapsed);
  if (!collapsed.delete(key)) collapsed.add(key);
  return { ...folding, collapsed };
}

export function showMore(folding: Folding, parentKey: string): Folding {
  const limits = new Map(folding.limits);
  limits.set(parentKey, (limits.get(parentKey) ?? 0) + STEP);
  return { ...folding, limits };
}

/** Unfold whatever hides an item. */
export function revealed(folding: Folding, item: Item | undefined, roots: Item[]): Folding {
  if (!item) return folding;
  const collapsed = new Set(folding.collapsed);
  const limits = new Map(folding.limits);
  for (let at: Item | null = item; at; at = at.parent) {
    if (at.parent) collapsed.delete(at.parent.key);
    const key = at.parent?.key ?? TOP;
    const limit = limits.get(key);
    const index = (at.parent?.children ?? roots).indexOf(at);
    if (limit !== undefined && index >= limit) limits.set(key, index + 1);
  }
  return { collapsed, limits };
}

export function visibleRows({ roots }: Tree, folding: Folding): Row[] {
  const rows: Row[] = [];
  const visit = (siblings: Item[], parentKey: string, depth: number) => {
    const limit = folding.limits.get(parentKey) ?? siblings.length;
    for (const item of siblings.slice(0, limit)) {
      rows.push({ item });
      if (!folding.collapsed.has(item.key)) visit(item.children, item.key, depth + 1);
    }
    const rest = siblings.slice(limit);
    if (rest.length > 0) rows.push({ item: null, rest: restOf(rest, parentKey, depth) });
  };
  visit(roots, TOP, 0);
  return rows;
}

function restOf(rest: Item[], parentKey: string, depth: number): Rest {
  const failed = rest.reduce((sum, item) => sum + item.failedBelow + Number((item.node ?? item.call)?.status === 'ERROR'), 0);
  return { parentKey, depth, hidden: rest.length, failed };
}
