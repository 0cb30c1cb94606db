import { useMemo, useState } from 'preact/hooks';
import { useUrlState } from '../../urlstate';
import { type Folding, initialFolding, revealed, type Row, showMore, toggled, visibleRows } from './folding';
import { huesOf } from './hues';
import type { Tree } from './tree';

/** What the tree, the waterfall and the table of calls show together. */
export interface ChainView {
  tree: Tree;
  rows: Row[];
  hues: Map<string, string>;
  /** Keys of items, empty when there is none. */
  selected: string;
  openLog: string;
  /** The time axis covers the chain's own time only, not everything that claims another. */
  zoomed: boolean;
  isCollapsed: (key: string) => boolean;
  /** Select an item; selecting the selected one lets go of it. */
  select: (key: string) => void;
  toggleLog: (key: string) => void;
  zoom: (own: boolean) => void;
  toggle: (key: string) => void;
  showMore: (parentKey: string) => void;
}

export function useChainView(tree: Tree): ChainView {
  const url = useUrlState();
  const selected = url.get('node');
  const openLog = url.get('log');
  const [folding, setFolding] = useState<Folding>(() => initialFolding(tree));

  // What the URL names is unfolded once, when it is named: the reader may fold it away again.
  const named = `${selected} ${openLog}`;
  const [shown, setShown] = useState(' ');
  if (shown !== named) {
    setShown(named);
    const items = [selected, openLog].map((key) => tree.byKey.get(key));
    setFolding(items.reduce((now, item) => revealed(now, item, tree.roots), folding));
  }
  const rows = useMemo(() => visibleRows(tree, folding), [tree, folding]);
  const hues = useMemo(() => huesOf(tree.items), [tree]);
  return {
    tree,
    rows,
    hues,
    selected,
    openLog,
    zoomed: url.get('axis') === 'own',
    isCollapsed: (key) => folding.collapsed.has(key),
    select: (key) => url.patch({ node: key === selected ? '' : key }),
    toggleLog: (key) => url.patch({ log: key === openLog ? '' : key }),
    zoom: (own) => url.patch({ axis: own ? 'own' : '' }),
    toggle: (key) => setFolding((now) => toggled(now, key)),
    showMore: (key) => setFolding((now) => showMore(now, key)),
  };
}
