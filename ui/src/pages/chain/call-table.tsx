import { useMemo, useState } from 'preact/hooks';
import type { Chain, ChainCall } from '../../api.gen';
import { Status } from '../../components/outcome';
import { ServiceLink } from '../../components/service-link';
import { useKeepInView } from '../../components/use-keep-in-view';
import { useRowKeys } from '../../components/use-row-keys';
import { compact } from '../../format';
import { repeats } from './cause';
import { FlagMark } from './flag-mark';
import { Start } from './node-row';
import { useTexts } from './texts';
import { callKey, isWholeOfAttempts } from './tree';
import type { ChainView } from './use-chain-view';
import { hasReasons, WhyRow } from './why';

const COLUMNS = 8;
const SHOWN_AT_FIRST = 40;

/** The callers' view: one row for each call made, and one for each of its attempts. */
export function CallTable({ chain, view }: { chain: Chain; view: ChainView }) {
  const t = useTexts();
  const columns = t.table.columns;
  const calls = useMemo(() => attemptsUnderTheirCall(chain.calls), [chain]);
  const [all, setAll] = useState(false);
  const selectedAt = calls.findIndex((call) => callKey(call) === view.selected);
  const shown = all ? calls : calls.slice(0, Math.max(SHOWN_AT_FIRST, selectedAt + 1));
  const byRow = new Map(shown.map((call, index) => [String(index), call] as const));
  const holder = useKeepInView<HTMLDivElement>(selectedAt < 0 ? '' : String(selectedAt));
  const rowKeys = useRowKeys([...byRow.keys()], String(selectedAt), {
    select: (row) => {
      const call = byRow.get(row);
      if (call) view.select(callKey(call));
    },
  });
  return (
    <section class="card" aria-labelledby="calls-title">
      <header class="card-head">
        <h2 id="calls-title">{t.table.title}</h2>
        <p class="card-sub">{t.table.subtitle}</p>
      </header>
      {calls.length === 0 ? (
        <p class="no-match">{t.table.empty}</p>
      ) : (
        <div class="scroll" ref={holder}>
          <table class="table calls" role="grid" aria-labelledby="calls-title">
            <thead>
              <tr>
                <th scope="col" class="wide">
                  {columns.caller}
                </th>
                <th scope="col" class="num">
                  {columns.callerNo}
                </th>
                <th scope="col" class="num">
                  {columns.calleeNo}
                </th>
                <th scope="col">{columns.callee}</th>
                <th scope="col" class="wide">
                  {columns.method}
                </th>
                <th scope="col" class="extra">
                  {columns.start}
                </th>
                <th scope="col" class="num">
                  {columns.duration}
                </th>
                <th scope="col">{columns.status}</th>
              </tr>
            </thead>
            <tbody onKeyDown={rowKeys.onKeyDown} onFocusIn={rowKeys.onFocusIn}>
              {shown.map((call, index) => (
                <CallRows key={index} row={String(index)} call={call} view={view} tabIndex={rowKeys.tabIndex(String(index))} />
              ))}
            </tbody>
          </table>
        </div>
      )}
      {shown.length < calls.length && (
        <p class="more">
          <button type="button" class="quiet" onClick={() => setAll(true)}>
            {t.table.showAll(calls.length)}
          </button>
        </p>
      )}
    </section>
  );
}

function CallRows({ row, call, view, tabIndex }: { row: string; call: ChainCall; view: ChainView; tabIndex: 0 | -1 }) {
  const t = useTexts();
  const key = callKey(call);
  const selected = view.selected === key;
  const failed = call.status === 'ERROR';
  const node = view.tree.byKey.get(key)?.node;
  // What its node says in the tree need not be read again here.
  const isToldThere = node !== null && node !== undefined && !call.rule && call.notes.length === 0 && repeats(call.message, node.message);
  const missing = call.callee_no < 0 ? 'unlogged' : '';
  return (
    <>
      <tr
        data-testid="call-row"
        data-callee-no={call.callee_no}
        data-key={row}
        class={`pick${selected ? ' selected' : ''}${failed ? ' failed' : ''}`}
        aria-selected={selected}
        tabIndex={tabIndex}
        onClick={() => view.select(key)}
      >
        <td class="wide">
          {call.attempt > 0 && <span class="branch" />}
          <i class={`dot ${view.hues.get(call.caller) ?? ''}`} />
          <ServiceLink psm={call.caller} />
        </td>
        <td class="num">{signed(call.caller_no)}</td>
        <td class={`num strong ${missing}`}>{signed(call.callee_no)}</td>
        <td class={`callee ${missing}`}>
          <i class={`dot ${view.hues.get(call.callee) ?? ''}`} />
          <ServiceLink psm={call.callee} />
          {call.attempt > 0 && <span class="attempt">{t.table.attempt(call.attempt, call.attempts)}</span>}
          {isWholeOfAttempts(call) && <span class="attempt">{t.table.attempts(call.attempts)}</span>}
          <small class="narrow-only mono">{call.method}</small>
        </td>
        <td class="wide mono wraps">{call.method}</td>
        <Start at={call.start} offsetMs={call.offset_ms} kind="extra" />
        <td class="num strong" title={`${call.duration_ms} ms`}>
          {compact(call.duration_ms)}
        </td>
        <td>
          <Status status={call.status} outcome={call.outcome} code={call.code} />
          <FlagMark flags={call.flags.filter((flag) => flag !== 'callee_not_logged')} />
        </td>
      </tr>
      {(selected || (hasReasons(call) && !isToldThere)) && <WhyRow item={null} record={call} full={selected} columns={COLUMNS} />}
    </>
  );
}

/** −1 with a real minus sign. */
function signed(no: number): string {
  return no < 0 ? `−${-no}` : String(no);
}

function attemptsUnderTheirCall(calls: ChainCall[]): ChainCall[] {
  const attempts = new Map<string, ChainCall[]>();
  const wholes = new Set(calls.filter(isWholeOfAttempts).map((call) => call.span_id));
  const isPart = (call: ChainCall) => call.attempt > 0 && wholes.has(call.parent_id);
  for (const call of calls) if (isPart(call)) attempts.set(call.parent_id, [...(attempts.get(call.parent_id) ?? []), call]);
  return calls
    .filter((call) => !isPart(call))
    .flatMap((call) => (isWholeOfAttempts(call) ? [call, ...(attempts.get(call.span_id) ?? [])] : [call]));
}
