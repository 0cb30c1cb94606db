import { useState } from 'preact/hooks';
import { ApiError, sendJson } from '../../api/client';
import type { FlipPut, GroupFlipped, SwitchGroup, SwitchRow } from '../../api.gen';
import { ConfirmDialog } from '../../components/dialog';
import { useTexts } from './texts';

/** What is to be flipped: one switch, or all of a group. */
export interface Target {
  off: boolean;
  rows?: SwitchRow[];
  group?: SwitchGroup;
}

type Until = keyof ReturnType<typeof useTexts>['flip']['untils'];
type By = FlipPut['by'];

/** Asks why, until when and for whom, and flips. */
export function FlipDialog({ target, onDone, onClose }: { target: Target; onDone: () => void; onClose: () => void }) {
  const texts = useTexts();
  const t = texts.flip;
  const { off, rows, group } = target;
  const row = rows?.[0];
  const [reason, setReason] = useState('');
  const [until, setUntil] = useState<Until>('');
  const [at, setAt] = useState('');
  const [percent, setPercent] = useState(String(row && row.state === 'partial' ? row.percent : 100));
  const [by, setBy] = useState<By>(row?.by ?? 'chain');
  const [on, setOn] = useState(row?.on.join(', ') ?? '');
  const name = group?.name ?? row?.name ?? '';
  const act = async () => {
    const end = endOf(until, at);
    if (off && until === 'at' && end === null) throw new ApiError(400, t.needsTime);
    const kinds = on.split(/[\s,]+/).filter(Boolean);
    const body: FlipPut = { off, reason, until: off ? end : null, percent: Number(percent), by, on: kinds, force: row ? !row.known : false };
    if (group) {
      const done = await sendJson<GroupFlipped>('POST', `/api/degrade/groups/${encodeURIComponent(group.name)}/flip`, body);
      const failed = (done.switches ?? []).filter(({ error }) => error);
      onDone();
      if (failed.length) throw new ApiError(400, `${texts.groups.failed(failed.length)} ${failed.map((each) => `${each.psm} ${each.name}: ${each.error}`).join('; ')}`);
      return;
    }
    if (row) await sendJson('PUT', `/api/degrade/${encodeURIComponent(row.psm)}/${encodeURIComponent(row.name)}`, body);
    onDone();
  };
  return (
    <ConfirmDialog title={off ? t.off(name) : t.on(name)} action={off ? t.actOff : t.actOn} onAct={act} onClose={onClose} disabled={!reason.trim()}>
      <p>{group ? t.leadGroup(group.switches.length) : t.lead(row?.psm ?? '')}</p>
      {off && row?.users_see && <p>{t.seen(row.users_see)}</p>}
      <label>
        {t.reason}
        <input class="text-input" value={reason} maxLength={500} autocomplete="off" onInput={(event) => setReason(event.currentTarget.value)} data-testid="degrade-reason" ref={focus} />
      </label>
      {off && (
        <>
          <label>
            {t.until}
            <select class="text-input" value={until} onChange={(event) => setUntil(event.currentTarget.value as Until)} data-testid="degrade-until">
              {(Object.keys(t.untils) as Until[])
                .sort((one, other) => order(one) - order(other))
                .map((each) => (
                  <option key={each} value={each}>
                    {t.untils[each]}
                  </option>
                ))}
            </select>
          </label>
          {until === 'at' && (
            <label>
              {t.at}
              <input class="text-input" type="datetime-local" value={at} onInput={(event) => setAt(event.currentTarget.value)} />
            </label>
          )}
          <label>
            {t.percent}
            <input class="text-input" type="number" min="0" max="100" step="any" value={percent} onInput={(event) => setPercent(event.currentTarget.value)} />
          </label>
          {Number(percent) < 100 && (
            <label>
              {t.by}
              <select class="text-input" value={by} onChange={(event) => setBy(event.currentTarget.value as By)}>
                {(['chain', 'user', 'chance'] as const).map((each) => (
                  <option key={each} value={each}>
                    {t.bys[each]}
                  </option>
                ))}
              </select>
            </label>
          )}
          <label>
            {t.on_} <small>({t.onHint})</small>
            <input class="text-input" value={on} autocomplete="off" spellcheck={false} onInput={(event) => setOn(event.currentTarget.value)} />
          </label>
        </>
      )}
    </ConfirmDialog>
  );
}

function focus(element: HTMLElement | null) {
  element?.focus();
}

/** Nothing first, then by length, a time of one's own last. */
function order(each: Until): number {
  return each === 'at' ? Infinity : Number(each);
}

/** Unix seconds; null = no end. */
function endOf(until: Until, at: string): number | null {
  if (until === '') return null;
  if (until !== 'at') return Date.now() / 1000 + Number(until);
  const time = new Date(at).getTime();
  return Number.isNaN(time) ? null : time / 1000;
}
