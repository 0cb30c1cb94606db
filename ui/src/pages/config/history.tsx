import { useState } from 'preact/hooks';
import { sendJson } from '../../api/client';
import { useQuery } from '../../api/query';
import type { ConfigHistory, ConfigPage, ConfigVersion } from '../../api.gen';
import { useAgo } from '../../components/ago';
import { ConfirmDialog } from '../../components/dialog';
import { Trouble } from '../../components/trouble';
import { dateTime } from '../../format';
import { Changes } from './changes';
import { useTexts } from './texts';

/** All versions that are kept, what each changed, and going back to one. */
export function History({ psm, page, onDone }: { psm: string; page: ConfigPage; onDone: () => void }) {
  const t = useTexts().history;
  const path = `/api/config/${encodeURIComponent(psm)}`;
  const query = useQuery<ConfigHistory>(`${path}/history?at=${page.version}`, () => null, true);
  const [chosen, setChosen] = useState<number>();
  const [comment, setComment] = useState('');
  const back = async () => {
    await sendJson('POST', `${path}/rollback`, { to: chosen, seen: page.version, comment });
    onDone();
  };
  return (
    <section class="card" aria-labelledby="config-history">
      <header class="card-head">
        <h2 id="config-history">{t.title}</h2>
      </header>
      <Trouble query={query} retrying={false} />
      {query.data?.versions.length === 0 && <p class="config-none">{t.empty}</p>}
      <ol class="config-history">
        {query.data?.versions.map((each) => (
          <Version key={each.version} version={each} current={page.version} onBack={page.may_publish ? () => setChosen(each.version) : undefined} />
        ))}
      </ol>
      {chosen !== undefined && (
        <ConfirmDialog title={t.rollbackTitle(chosen)} action={t.rollbackAct(chosen)} onAct={back} onClose={() => setChosen(undefined)}>
          <p>{t.rollbackLead}</p>
          <label>
            {t.comment}
            <input class="text-input" value={comment} maxLength={1900} onInput={(event) => setComment(event.currentTarget.value)} />
          </label>
        </ConfirmDialog>
      )}
    </section>
  );
}

function Version({ version, current, onBack }: { version: ConfigVersion; current: number; onBack: (() => void) | undefined }) {
  const t = useTexts().history;
  const ago = useAgo(version.at * 1000);
  return (
    <li data-testid="config-version">
      <div class="config-override-head">
        <strong>v{version.version}</strong>
        {version.version === current && <small class="config-tag">{t.current}</small>}
        <span>
          {version.author} · <time title={dateTime(version.at)}>{ago}</time>
        </span>
        {version.version !== current && onBack && (
          <button type="button" class="quiet" onClick={onBack}>
            {t.rollback}
          </button>
        )}
      </div>
      {version.comment && <q>{version.comment}</q>}
      {version.first && version.version > 1 ? <p class="config-none">{t.first}</p> : <Changes changes={version.changes} />}
    </li>
  );
}
