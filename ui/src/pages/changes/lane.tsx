import type { Change, ChangeList } from '../../api.gen';
import { ChangeMark, kindText } from '../../components/change-mark';
import { dateTime } from '../../format';
import { useMessages } from '../../i18n';
import type { UrlState } from '../../urlstate';
import { useTexts } from './texts';

/** One line for each kind, one mark for each change, from left to right in time. */
export function Lane({ list, url }: { list: ChangeList; url: UrlState }) {
  const t = useTexts();
  const common = useMessages().changes;
  const of = (kind: string) => list.changes.filter((change) => change.kind === kind);
  return (
    <div class="changes-lanes" role="group" aria-label={t.lane}>
      {list.kinds
        .filter(({ name }) => of(name).length > 0)
        .map(({ name, count }) => (
          <div key={name} class="changes-lane">
            <button type="button" class="link" aria-pressed={url.get('kind') === name} onClick={() => url.patch({ kind: url.get('kind') === name ? '' : name, open: '' })}>
              <ChangeMark kind={name} />
              <span class="offscreen">{kindText(common.kinds, name)}</span>
              <small>{count}</small>
            </button>
            <div class="changes-track">
              {of(name).map((change) => (
                <Mark key={change.id} change={change} list={list} onOpen={() => url.patch({ open: change.id, kind: '' })} />
              ))}
            </div>
          </div>
        ))}
      <div class="changes-ends" aria-hidden="true">
        <small>{dateTime(list.since)}</small>
        <small>{dateTime(list.now)}</small>
      </div>
    </div>
  );
}

function Mark({ change, list, onOpen }: { change: Change; list: ChangeList; onOpen: () => void }) {
  const share = (change.at - list.since) / Math.max(1, list.now - list.since);
  const label = `${dateTime(change.at)} ${change.psm} ${change.subject} ${change.person}`;
  return (
    <button
      type="button"
      class={`changes-dot changes-dot-${change.kind}`}
      title={label}
      aria-label={label}
      tabIndex={-1}
      ref={(element) => element?.style.setProperty('--at', `${(Math.min(1, Math.max(0, share)) * 100).toFixed(2)}%`)}
      onClick={onOpen}
    />
  );
}
