import type { ComponentChildren, RefObject } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { LineRow, type RowLook } from './line-row';
import { useTexts } from './texts';
import type { Line } from '../../api.gen';
import { useLineKeys } from './use-line-keys';
import { useWindow } from './use-window';

const ROW = 23;
const ROW_NARROW = 58;
const NARROW = window.matchMedia('(max-width: 640px)');

interface Props extends RowLook {
  lines: Line[];
  /** The lines that are open, by id. */
  open: ReadonlySet<string>;
  onToggle: (id: string) => void;
  detail: (line: Line) => ComponentChildren;
  /** The element that scrolls, where it is not the page. */
  scroller?: RefObject<HTMLElement | null>;
  stale?: boolean;
  /** The line to scroll to when it first appears. */
  goal?: string;
}

/** Any number of lines, of which those in sight are drawn. */
export function LineList({ lines, open, onToggle, detail, scroller, stale, goal, client, dated, pattern }: Props) {
  const t = useTexts();
  const holder = useRef<HTMLDivElement>(null);
  const row = useRowHeight();
  const [heights, setHeights] = useState<ReadonlyMap<string, number>>(new Map());
  const extra = new Map<number, number>();
  if (open.size) lines.forEach(({ id }, index) => open.has(id) && extra.set(index, Math.max(0, (heights.get(id) ?? row) - row)));
  const view = useWindow(holder, scroller, lines.length, row, extra);
  const toggle = useStable(onToggle);
  const wanted = useRef(goal);
  useEffect(() => {
    const index = wanted.current ? lines.findIndex(({ id }) => id === wanted.current) : -1;
    if (index < 0) return;
    wanted.current = undefined;
    view.reveal(index, true);
  }, [lines]);
  const active = useLineKeys(lines, open, toggle, view);
  const measured = useStable((id: string, height: number) => setHeights((old) => (old.get(id) === height ? old : new Map(old).set(id, height))));
  return (
    <div class={`lines${client ? ' lines-client' : ''}${dated ? ' lines-dated' : ''}${stale ? ' stale' : ''}`} ref={holder} aria-label={t.results.lines} role="group">
      <div style={{ height: `${view.above}px` }} />
      {lines.slice(view.from, view.to).map((line) => {
        const shown = <LineRow line={line} open={open.has(line.id)} active={active === line.id} client={client} dated={dated} pattern={pattern} onToggle={toggle} />;
        if (!open.has(line.id)) return <div key={line.id}>{shown}</div>;
        return (
          <Measured key={line.id} id={line.id} onHeight={measured}>
            {shown}
            {detail(line)}
          </Measured>
        );
      })}
      <div style={{ height: `${view.below}px` }} />
    </div>
  );
}

function Measured({ id, onHeight, children }: { id: string; onHeight: (id: string, height: number) => void; children: ComponentChildren }) {
  const element = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (!element.current) return undefined;
    const observer = new ResizeObserver(([entry]) => entry && onHeight(id, entry.target.getBoundingClientRect().height));
    observer.observe(element.current);
    return () => observer.disconnect();
  }, [id]);
  return <div ref={element}>{children}</div>;
}

function useRowHeight(): number {
  const [narrow, setNarrow] = useState(NARROW.matches);
  useEffect(() => {
    const look = () => setNarrow(NARROW.matches);
    NARROW.addEventListener('change', look);
    return () => NARROW.removeEventListener('change', look);
  }, []);
  return narrow ? ROW_NARROW : ROW;
}

/** The same function for ever, that does what the newest one does. */
function useStable<A extends unknown[]>(act: (...args: A) => void): (...args: A) => void {
  const newest = useRef(act);
  newest.current = act;
  return useRef((...args: A) => newest.current(...args)).current;
}
