import type { ComponentChildren } from 'preact';
import { Icon } from '../../components/icon';
import { compact, count, dateTime } from '../../format';
import { useMessages } from '../../i18n';
import { Owners } from './owners';
import { type Row, stateOf } from './rows';
import { StateMark, useStateText } from './state';
import { useTexts } from './texts';

const LEVELS = { product: 1, subsystem: 2, psm: 3 } as const;

interface Props {
  row: Row;
  index: number;
  /** Pixels from the top of the list. */
  top: number;
  now: number;
  selected: boolean;
  onSelect: (name: string) => void;
  onFold: (name: string) => void;
}

export function TreeRow({ row, index, top, now, selected, onSelect, onFold }: Props) {
  return (
    <div
      id={`psm-row-${index}`}
      class={`psm-row psm-row-${row.kind}${selected ? ' psm-selected' : ''}`}
      role="row"
      aria-level={LEVELS[row.kind]}
      aria-expanded={row.kind === 'psm' ? undefined : row.open}
      aria-selected={selected}
      aria-rowindex={index + 2}
      style={{ transform: `translateY(${top}px)` }}
      data-testid="psm-row"
      data-name={row.name}
      onClick={() => onSelect(row.name)}
    >
      {row.kind === 'psm' ? <PsmCells row={row.row} now={now} /> : <GroupCells row={row} onFold={onFold} />}
    </div>
  );
}

function GroupCells({ row: { row, name, open }, onFold }: { row: Exclude<Row, { kind: 'psm' }>; onFold: (name: string) => void }) {
  const t = useTexts();
  const { psms, unowned } = row.counts;
  return (
    <>
      <span role="gridcell" class="psm-name">
        <span
          class={`psm-fold${open ? ' psm-open' : ''}`}
          data-testid="psm-fold"
          onClick={(event) => {
            event.stopPropagation();
            onFold(name);
          }}
        >
          <Icon name="chevron" />
        </span>
        <Name name={name} />
        <small class="psm-counts">
          {t.psms(psms, count(psms))}
          {unowned > 0 && <span class="mild-text"> · {t.without(count(unowned))}</span>}
        </small>
      </span>
      <span role="gridcell" class="psm-owners">
        {(row.owners_from === 'declared' || row.owners_from === 'registered') && <Owners owners={row.owners} from={row.owners_from} />}
      </span>
      <Rest>{row.description}</Rest>
    </>
  );
}

function PsmCells({ row, now }: { row: Extract<Row, { kind: 'psm' }>['row']; now: number }) {
  const t = useTexts();
  const common = useMessages();
  const stateText = useStateText(stateOf(row));
  const none = <span class="dim">{common.none}</span>;
  return (
    <>
      <span role="gridcell" class="psm-name">
        <StateMark state={stateOf(row)} />
        <Name name={row.psm} />
        {row.like.length > 0 && (
          <span class="badge badge-mild" title={row.like.join(', ')}>
            {t.typo}
          </span>
        )}
      </span>
      <span role="gridcell" class="psm-owners">
        <Owners owners={row.owners} from={row.owners_from} />
      </span>
      <span role="gridcell" class="psm-tier">
        {row.tier ?? none}
      </span>
      <span role="gridcell" class="psm-oncall" title={row.on_call}>
        {row.on_call || none}
      </span>
      <span role="gridcell" class="psm-state-cell" title={t.stateHints[stateOf(row)]}>
        {stateText}
      </span>
      <span role="gridcell" class="psm-num psm-calls" title={count(row.calls)}>
        {row.calls ? short(row.calls) : none}
      </span>
      <span role="gridcell" class="psm-num psm-seen">
        {row.last_seen ? <time title={dateTime(row.last_seen)}>{common.ago(Math.max(0, Math.round(now - row.last_seen)))}</time> : none}
      </span>
    </>
  );
}

function Rest({ children }: { children: ComponentChildren }) {
  return (
    <span role="gridcell" class="psm-rest dim">
      {children}
    </span>
  );
}

/** The part that all neighbours share is dim. */
function Name({ name }: { name: string }) {
  const cut = name.lastIndexOf('.') + 1;
  return (
    <span class="psm-text" title={name}>
      <span class="dim">{name.slice(0, cut)}</span>
      {name.slice(cut)}
    </span>
  );
}

/** 81.2 k, 1.30 M: a column of large numbers is compared by their size. */
function short(calls: number): string {
  if (calls >= 1e6) return `${compact(calls / 1e6)} M`;
  return calls >= 1e4 ? `${compact(calls / 1e3)} k` : count(calls);
}
