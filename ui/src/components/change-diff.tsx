import { useQuery } from '../api/query';
import type { Change, ChangeDetail, ChangedLine } from '../api.gen';
import { useMessages } from '../i18n';
import { addressOfSubject } from './change-links';
import { CopyButton } from './copy-button';
import { Trouble } from './trouble';

/** What one change changed, line by line, with its reason and the way to what it changed. */
export function ChangeDiff({ change }: { change: Change }) {
  const t = useMessages().changes;
  const query = useQuery<ChangeDetail>(`/api/changes/${encodeURIComponent(change.id)}`, () => null);
  const detail = query.data;
  const address = addressOfSubject(change);
  return (
    <div class="change-detail" data-testid="change-detail">
      {change.reason && <p class="change-reason">“{change.reason}”</p>}
      <Trouble query={query} retrying={false} />
      {!detail && !query.error && (
        <div class="placeholder change-waiting" aria-hidden="true">
          <i />
          <i />
          <i />
        </div>
      )}
      {detail && <Body detail={detail} />}
      <p class="change-foot">
        {address && <a href={address}>{t.open}</a>}
        <small class="mono">{change.id}</small>
        {detail && detail.after && <CopyButton text={detail.after} label={t.copyAfter} />}
      </p>
    </div>
  );
}

function Body({ detail }: { detail: ChangeDetail }) {
  const t = useMessages().changes;
  if (detail.change.hidden) return <p class="dim">{t.hidden}</p>;
  if (!detail.before && !detail.after) return <p class="dim">{t.nothingKept}</p>;
  if (!detail.diff) return <p class="dim">{t.tooLarge}</p>;
  if (detail.diff.length === 0) return <p class="dim">{t.same}</p>;
  return <DiffLines lines={detail.diff} label={t.diff} />;
}

/** Lines with signs: what went, what came. */
export function DiffLines({ lines, label }: { lines: ChangedLine[]; label: string }) {
  return (
    <pre class="diff" aria-label={label} tabIndex={0}>
      {lines.map(({ sign, text }, index) => (
        <span key={index} class={CLASSES[sign]}>
          <b>{sign}</b>
          {text}
          {'\n'}
        </span>
      ))}
    </pre>
  );
}

const CLASSES: Record<ChangedLine['sign'], string> = { '+': 'diff-new', '-': 'diff-gone', ' ': '', '…': 'diff-more' };
