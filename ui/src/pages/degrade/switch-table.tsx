import type { SwitchRow } from '../../api.gen';
import { useAgo } from '../../components/ago';
import { ServiceLink } from '../../components/service-link';
import { count, dateTime } from '../../format';
import type { Target } from './flip';
import { useTexts } from './texts';

interface Props {
  rows: SwitchRow[];
  now: number;
  frozen: boolean;
  onFlip: (target: Target) => void;
}

/** One row for each switch: what it is, how it stands, why, and what that did. */
export function SwitchTable({ rows, frozen, onFlip }: Props) {
  const t = useTexts().list;
  return (
    <div class="scroll">
      <table class="table degrade-table" data-testid="degrade-switches">
        <thead>
          <tr>
            <th>{t.columns.switch}</th>
            <th>{t.columns.state}</th>
            <th class="wide">{t.columns.why}</th>
            <th class="wide num" title={t.effectHint}>
              {t.columns.effect}
            </th>
            <th class="extra num" title={t.inForceHint}>
              {t.columns.where}
            </th>
            <th class="wide">{t.columns.owner}</th>
            <th />
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <Row key={`${row.psm} ${row.name}`} row={row} frozen={frozen} onFlip={onFlip} />
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Row({ row, frozen, onFlip }: { row: SwitchRow; frozen: boolean; onFlip: (target: Target) => void }) {
  const t = useTexts();
  const why = <Why row={row} />;
  const flip = (off: boolean) => onFlip({ off, rows: [row] });
  return (
    <tr data-testid="degrade-switch">
      <th class="wraps">
        <strong>{row.name || t.list.methods}</strong>
        <small class="degrade-psm">
          <ServiceLink psm={row.psm} />
        </small>
        {row.users_see && (
          <small class="degrade-help">
            {t.list.usersSee}: {row.users_see}
          </small>
        )}
        {row.fallback_on.length > 0 && <small class="degrade-help">{t.list.auto(row.fallback_on.join(', '))}</small>}
        {!row.known && row.name && <small class="degrade-help mild-text">{t.list.byHand}</small>}
        <div class="narrow-only">{row.state !== 'on' && why}</div>
      </th>
      <td class="wraps">
        <span class={`degrade-state degrade-is-${row.state}`}>
          <i aria-hidden="true" />
          {stateOf(row, t)}
        </span>
        {row.scopes.map((each) => (
          <small key={each.scope} class="degrade-help mono">
            {each.scope}
          </small>
        ))}
      </td>
      <td class="wide wraps">{row.state === 'on' ? '–' : why}</td>
      <td class="wide num">{row.fallbacks === null || row.calls === null || row.version === 0 || row.calls === 0 ? '–' : t.list.effect(count(row.fallbacks), count(row.calls))}</td>
      <td class="extra num">{row.version === 0 || row.at_version === null ? '–' : t.list.inForce(row.at_version, row.running)}</td>
      <td class="wide">{row.owners.join(', ') || '–'}</td>
      <td class="num">
        {row.name && row.may_flip && (
          <span class="degrade-buttons">
            {row.state === 'on' ? (
              <button type="button" class="quiet" disabled={frozen} onClick={() => flip(true)} data-testid="degrade-off">
                {t.list.off}
              </button>
            ) : (
              <>
                <button type="button" class="quiet" disabled={frozen} onClick={() => flip(false)} data-testid="degrade-on">
                  {t.list.on}
                </button>
                <button type="button" class="quiet" disabled={frozen} onClick={() => flip(true)}>
                  {t.list.change}
                </button>
              </>
            )}
          </span>
        )}
      </td>
    </tr>
  );
}

/** Who switched it off, when, why, and until when. */
function Why({ row }: { row: SwitchRow }) {
  const t = useTexts().list;
  const ago = useAgo(row.since * 1000);
  return (
    <>
      {row.reason}
      <small class="degrade-help">
        {row.person}
        {row.since > 0 && (
          <>
            {' · '}
            <time title={dateTime(row.since)}>{t.since(ago)}</time>
          </>
        )}
        {row.until > 0 && ` · ${t.until(dateTime(row.until))}`}
      </small>
    </>
  );
}

function stateOf(row: SwitchRow, t: ReturnType<typeof useTexts>): string {
  if (row.state === 'partial') return t.states.partial(row.percent);
  if (row.state === 'failing') return t.states.failing(row.on.join(', '));
  return t.states[row.state];
}
