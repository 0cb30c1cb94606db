import type { ProductRow, PsmRow, PsmTree, SubsystemRow } from '../../api.gen';
import type { UrlState } from '../../urlstate';

/** What of the tree is shown, row by row: pure functions of the answer and the URL. */

export const FILTERS = ['', 'mine', 'unowned', 'typo'] as const;
export type Filter = (typeof FILTERS)[number];

export type State = 'running' | 'stopped' | 'seen' | 'declared';

export type Row =
  | { kind: 'product'; name: string; row: ProductRow; open: boolean }
  | { kind: 'subsystem'; name: string; row: SubsystemRow; open: boolean }
  | { kind: 'psm'; name: string; row: PsmRow };

export interface Wanted {
  filter: Filter;
  text: string;
  product: string;
}

/** A fleet of at most this many PSMs is unfolded at first. */
const UNFOLDED = 200;

export function wantedBy(url: UrlState): Wanted {
  return {
    filter: FILTERS.find((name) => name === url.get('filter')) ?? '',
    text: url.get('q').toLowerCase(),
    product: url.get('product'),
  };
}

export function isNarrowed({ filter, text, product }: Wanted): boolean {
  return Boolean(filter || text || product);
}

export function stateOf({ state, calls }: Pick<PsmRow, 'state' | 'calls'>): State {
  if (state !== 'never') return state;
  return calls > 0 ? 'seen' : 'declared';
}

/** The PSMs that pass; an unowned one has no owner above it either. */
export function psmsOf(tree: PsmTree, wanted: Wanted): PsmRow[] {
  return tree.products.flatMap((product) => product.subsystems.flatMap(({ psms }) => psms.filter((psm) => passes(psm, product.name, wanted))));
}

/** The rows from top to bottom; what is folded has none. `turned` names what is not as at first. */
export function rowsOf(tree: PsmTree, wanted: Wanted, turned: ReadonlySet<string>): Row[] {
  const unfolded = isNarrowed(wanted) || tree.counts.psms <= UNFOLDED;
  const isOpen = (name: string) => unfolded !== turned.has(name);
  return tree.products.flatMap((product): Row[] => {
    const below = product.subsystems.flatMap((subsystem): Row[] => {
      const psms = subsystem.psms.filter((psm) => passes(psm, product.name, wanted));
      if (psms.length === 0 && !isNamed(subsystem, wanted)) return [];
      const open = isOpen(subsystem.name);
      const head: Row = { kind: 'subsystem', name: subsystem.name, row: subsystem, open };
      return open ? [head, ...psms.map((row): Row => ({ kind: 'psm', name: row.psm, row }))] : [head];
    });
    if (below.length === 0 && !isNamed(product, wanted)) return [];
    const open = isOpen(product.name);
    return [{ kind: 'product', name: product.name, row: product, open }, ...(open ? below : [])];
  });
}

/** Whether every product and subsystem is open. */
export function allOpen(rows: Row[]): boolean {
  return rows.every((row) => row.kind === 'psm' || row.open);
}

/** The names to turn so that everything is open, or everything is folded. */
export function turnedFor(tree: PsmTree, wanted: Wanted, open: boolean): string[] {
  const unfolded = isNarrowed(wanted) || tree.counts.psms <= UNFOLDED;
  if (open === unfolded) return [];
  return tree.products.flatMap(({ name, subsystems }) => (open ? [name, ...subsystems.map((each) => each.name)] : [name]));
}

function passes(psm: PsmRow, product: string, { filter, text, product: only }: Wanted): boolean {
  if (only && product !== only) return false;
  if (filter === 'mine' && !psm.mine) return false;
  if (filter === 'unowned' && psm.owners_from !== 'none') return false;
  if (filter === 'typo' && psm.like.length === 0) return false;
  return !text || psm.psm.includes(text) || psm.owners.some((owner) => owner.toLowerCase().includes(text));
}

/** A product or subsystem without PSMs that pass is shown for its own sake, but not under a filter of PSMs. */
function isNamed({ name, owners }: ProductRow | SubsystemRow, { filter, text, product }: Wanted): boolean {
  if (filter || (product && name.split('.')[0] !== product)) return false;
  return !text || name.includes(text) || owners.some((owner) => owner.toLowerCase().includes(text));
}
