import type { PsmDetail } from '../../api.gen';
import { useAgo } from '../../components/ago';
import { count, dateTime } from '../../format';
import { useTexts } from './texts';

type Change = PsmDetail['history'][number];

/** Who changed what, the newest first. */
export function History({ detail: { history, older_changes: older } }: { detail: PsmDetail }) {
  const t = useTexts().detail;
  return (
    <section class="psm-section" aria-labelledby="psm-history">
      <h3 id="psm-history">{t.history}</h3>
      {history.length === 0 && <p class="dim">{t.noHistory}</p>}
      <ol class="psm-history">
        {history.map((change) => (
          <Entry key={change.version} change={change} />
        ))}
      </ol>
      {older > 0 && <p class="dim">{t.older(older, count(older))}</p>}
    </section>
  );
}

function Entry({ change }: { change: Change }) {
  const texts = useTexts();
  const t = texts.detail;
  const ago = useAgo(change.at * 1000);
  return (
    <li data-testid="psm-change">
      <p>
        <strong>{change.by}</strong> {t.actions[change.action]}{' '}
        <small>
          v{change.version} · <time title={dateTime(change.at)}>{ago}</time>
        </small>
      </p>
      {change.reason && <p class="psm-reason">{change.reason}</p>}
      <ul>
        {change.changes.map(({ field, old, new: now }) => (
          <li key={field}>
            {labelOf(field, t)}: {old && <del>{old}</del>} {old && '→ '}
            <ins>{now || t.nothing}</ins>
          </li>
        ))}
      </ul>
    </li>
  );
}

/** What people call a field of a declaration. */
export function labelOf(field: string, t: ReturnType<typeof useTexts>['detail']): string {
  const labels: Record<string, string> = {
    owners: t.owners,
    description: t.description,
    docs: t.docs,
    repository: t.repository,
    on_call: t.onCall,
    tier: t.tier,
  };
  return labels[field] ?? field;
}
