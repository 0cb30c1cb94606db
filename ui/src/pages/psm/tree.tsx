import { useEffect, useRef } from 'preact/hooks';
import { useMedia } from '../../components/use-media';
import { useVisibleRows } from '../../components/use-visible-rows';
import type { Row } from './rows';
import { TreeRow } from './row';
import { useTexts } from './texts';

/** Pixels: the height of a row, which tree.css gives it too. */
const HEIGHT = 36;
const HEIGHT_NARROW = 52;

interface Props {
  rows: Row[];
  now: number;
  seenDays: number;
  selected: string;
  onSelect: (name: string) => void;
  /** The same by a key that goes from row to row. */
  onWalk: (name: string) => void;
  onFold: (name: string) => void;
}

/** The tree as a grid: only the rows in sight are drawn, so ten thousand are as quick as ten. */
export function Tree({ rows, now, seenDays, selected, onSelect, onWalk, onFold }: Props) {
  const t = useTexts();
  const height = useMedia('(max-width: 640px)') ? HEIGHT_NARROW : HEIGHT;
  const body = useRef<HTMLDivElement>(null);
  const [from, to] = useVisibleRows(body, rows.length, height);
  const at = rows.findIndex(({ name }) => name === selected);
  const go = (index: number) => {
    const row = rows[Math.min(Math.max(index, 0), rows.length - 1)];
    if (row) onWalk(row.name);
  };

  // A row chosen with the keys stays in sight; one that was clicked is.
  useEffect(() => {
    if (at < 0 || !body.current?.closest(':focus')) return;
    const top = body.current.getBoundingClientRect().top + at * height;
    const FRAME = 100;
    if (top < FRAME) window.scrollBy(0, top - FRAME);
    else if (top + 2 * height > window.innerHeight) window.scrollBy(0, top + 2 * height - window.innerHeight);
  }, [selected]);

  const onKeyDown = (event: KeyboardEvent) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const row = rows[at];
    const page = Math.max(1, Math.floor(window.innerHeight / height) - 4);
    const steps: Record<string, number> = { ArrowDown: at + 1, j: at + 1, ArrowUp: at - 1, k: at - 1, PageDown: at + page, PageUp: at - page, Home: 0, End: rows.length - 1 };
    const to = steps[event.key];
    if (to !== undefined) go(to);
    else if (!row) return;
    else if (event.key === 'ArrowRight') row.kind !== 'psm' && !row.open ? onFold(row.name) : go(at + 1);
    else if (event.key === 'ArrowLeft') row.kind !== 'psm' && row.open ? onFold(row.name) : go(parentOf(rows, row.name));
    else if (event.key === ' ' && row.kind !== 'psm') onFold(row.name);
    else return;
    event.preventDefault();
  };

  return (
    <div
      class="psm-tree"
      role="treegrid"
      tabIndex={0}
      aria-label={t.tree}
      aria-rowcount={rows.length + 1}
      aria-activedescendant={at >= from && at < to ? `psm-row-${at}` : undefined}
      onKeyDown={onKeyDown}
      data-testid="psm-tree"
    >
      <div class="psm-row psm-heads" role="row" aria-rowindex={1}>
        <span role="columnheader">{t.columns.name}</span>
        <span role="columnheader">{t.columns.owners}</span>
        <span role="columnheader" class="psm-tier">
          {t.columns.tier}
        </span>
        <span role="columnheader" class="psm-oncall">
          {t.columns.onCall}
        </span>
        <span role="columnheader" class="psm-state-cell">
          {t.columns.state}
        </span>
        <span role="columnheader" class="psm-num psm-calls" title={t.callsHint(seenDays)}>
          {t.columns.calls}
        </span>
        <span role="columnheader" class="psm-num psm-seen">
          {t.columns.seen}
        </span>
      </div>
      <div class="psm-body" role="rowgroup" ref={body} style={{ height: `${rows.length * height}px` }}>
        {rows.slice(from, to).map((row, index) => (
          <TreeRow
            key={row.name}
            row={row}
            index={from + index}
            top={(from + index) * height}
            now={now}
            selected={row.name === selected}
            onSelect={onSelect}
            onFold={onFold}
          />
        ))}
      </div>
    </div>
  );
}

/** The row of the product or subsystem that a name belongs to; of a product, itself. */
function parentOf(rows: Row[], name: string): number {
  const parent = name.includes('.') ? name.slice(0, name.lastIndexOf('.')) : name;
  return rows.findIndex((row) => row.name === parent);
}
