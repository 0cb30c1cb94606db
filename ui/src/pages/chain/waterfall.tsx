import { useMemo, useState } from 'preact/hooks';
import type { Chain } from '../../api.gen';
import { Icon } from '../../components/icon';
import { useKeepInView } from '../../components/use-keep-in-view';
import { useRowKeys } from '../../components/use-row-keys';
import { duration, offset } from '../../format';
import { criticalPath } from './critical-path';
import type { Row } from './folding';
import { useTexts } from './texts';
import { axisOf, clientSpan, ownSpan, percentAt, serverSpan, type Span, wholeSpan } from './timeline';
import type { Item } from './tree';
import type { ChainView } from './use-chain-view';
import { Bars, ROW_HEIGHT } from './waterfall-bars';
import { Legend } from './waterfall-legend';
import { Tooltip, type Anchor } from './waterfall-tooltip';

const AXIS_HEIGHT = 24;

/** The chain over time. Its rows are those of the tree, folded alike. */
export function Waterfall({ chain, view }: { chain: Chain; view: ChainView }) {
  const t = useTexts();
  const { tree, rows } = view;
  const own = ownSpan(chain);
  const whole = useMemo(() => wholeSpan(chain, tree), [chain, tree]);
  const axis = useMemo(() => axisOf(view.zoomed ? own : whole), [chain, whole, view.zoomed]);
  const critical = useMemo(() => criticalPath(tree.roots[0]), [tree]);
  const [anchor, setAnchor] = useState<Anchor | null>(null);
  const keys = rows.flatMap(({ item }) => (item ? [item.key] : []));
  const holder = useKeepInView<HTMLDivElement>(view.selected);
  const rowKeys = useRowKeys(keys, view.selected, { select: view.select });
  const height = rows.length * ROW_HEIGHT;
  const ownFrom = percentAt(axis, own.from);

  const describe = (item: Item): string => {
    const span = serverSpan(item) ?? clientSpan(item) ?? { from: 0, to: 0 };
    const { psm, method } = nameOf(item);
    return t.waterfall.row(psm, method, duration(span.to - span.from), offset(span.from));
  };
  return (
    <section class="card" aria-labelledby="waterfall-title">
      <header class="card-head">
        <h2 id="waterfall-title">{t.waterfall.title}</h2>
        <p class="card-sub">{t.waterfall.subtitle}</p>
        {reachesBeyond(whole, own) && <Zoom view={view} />}
      </header>
      <Legend />
      <div class="waterfall" data-testid="waterfall" ref={holder}>
        <div class="waterfall-names" aria-hidden="true">
          {rows.map((row) => (
            <RowName key={row.item?.key ?? `rest ${row.rest?.parentKey}`} row={row} view={view} />
          ))}
        </div>
        <div class="waterfall-plot">
          <svg class="waterfall-axis" height={AXIS_HEIGHT} aria-hidden="true">
            {axis.ticks.map((tick, index) => (
              <text key={tick} class={index % 2 ? 'tick-between' : undefined} x={`${percentAt(axis, tick)}%`} y={16} text-anchor={anchorAt(percentAt(axis, tick))}>
                {tick === 0 ? '0' : offset(tick).replace('+', '')}
              </text>
            ))}
          </svg>
          <svg
            class="waterfall-rows"
            height={height}
            role="listbox"
            aria-labelledby="waterfall-title"
            onKeyDown={rowKeys.onKeyDown}
            onFocusIn={rowKeys.onFocusIn}
            onPointerLeave={() => setAnchor(null)}
            onFocusOut={() => setAnchor(null)}
          >
            <rect class="wf-own" x={`${ownFrom}%`} width={`${percentAt(axis, own.to) - ownFrom}%`} y={0} height={height}>
              <title>{t.waterfall.chainSpan}</title>
            </rect>
            {axis.ticks.map((tick) => (
              <line key={tick} class="wf-grid" x1={`${percentAt(axis, tick)}%`} x2={`${percentAt(axis, tick)}%`} y1={0} y2={height} />
            ))}
            {rows.map((row, index) =>
              row.item ? (
                <g
                  key={row.item.key}
                  role="option"
                  data-key={row.item.key}
                  class={`wf-row${view.selected === row.item.key ? ' selected' : ''}`}
                  tabIndex={rowKeys.tabIndex(row.item.key)}
                  aria-selected={view.selected === row.item.key}
                  aria-label={describe(row.item)}
                  onClick={() => view.select(row.item.key)}
                  onPointerMove={(event) => setAnchor({ item: row.item, x: event.clientX, y: event.clientY })}
                  onFocus={(event) => {
                    const box = event.currentTarget.getBoundingClientRect();
                    setAnchor({ item: row.item, x: box.left + box.width / 3, y: box.bottom });
                  }}
                >
                  <Bars
                    item={row.item}
                    axis={axis}
                    top={index * ROW_HEIGHT}
                    hue={view.hues.get(nameOf(row.item).psm) ?? ''}
                    critical={critical.get(row.item.key) ?? []}
                  />
                </g>
              ) : null,
            )}
          </svg>
        </div>
        {anchor && <Tooltip anchor={anchor} />}
      </div>
    </section>
  );
}

/** Much beyond: a sliver at the end does not squeeze the rest. */
function reachesBeyond(whole: Span, own: Span): boolean {
  return whole.to - whole.from > 1.1 * (own.to - own.from);
}

function Zoom({ view }: { view: ChainView }) {
  const t = useTexts().waterfall;
  return (
    <div class="segments" role="group" aria-label={t.axis}>
      <button type="button" aria-pressed={!view.zoomed} onClick={() => view.zoom(false)}>
        {t.axisWhole}
      </button>
      <button type="button" aria-pressed={view.zoomed} onClick={() => view.zoom(true)}>
        {t.axisOwn}
      </button>
    </div>
  );
}

function RowName({ row, view }: { row: Row; view: ChainView }) {
  const t = useTexts();
  if (!row.item)
    return (
      <button type="button" class="wf-name wf-rest" tabIndex={-1} onClick={() => view.showMore(row.rest.parentKey)}>
        {t.tree.hidden(row.rest.hidden, row.rest.failed)}
      </button>
    );
  const { key, depth, node, below } = row.item;
  const { psm, method } = nameOf(row.item);
  return (
    <div
      class={`wf-name${view.selected === key ? ' selected' : ''}${node ? '' : ' unlogged'}`}
      style={{ paddingLeft: `${8 + Math.min(depth, 10) * 10}px` }}
      title={`${psm} ${method}`}
      onClick={() => view.select(key)}
    >
      <i class={`dot ${view.hues.get(psm) ?? ''}`} />
      <span class="wf-psm">{psm.split('.').at(-1)}</span>
      <span class="wf-method">{method}</span>
      {view.isCollapsed(key) && <small>+{below}</small>}
      {(node?.flags.length ?? 0) > 0 && <Icon name="warning" />}
    </div>
  );
}

function nameOf({ node, call }: Item): { psm: string; method: string } {
  return { psm: node?.psm ?? call?.callee ?? '', method: node?.method ?? call?.method ?? '' };
}

/** Labels at the ends of the axis stay inside it. */
function anchorAt(percent: number): 'start' | 'middle' | 'end' {
  if (percent < 3) return 'start';
  return percent > 97 ? 'end' : 'middle';
}
