import { useState } from 'preact/hooks';
import { sendJson } from '../../api/client';
import { useQuery } from '../../api/query';
import type { RuleHistory, RuleSetHead, RuleVersion } from '../../api.gen';
import { ConfirmDialog } from '../../components/dialog';
import { Trouble } from '../../components/trouble';
import { dateTime } from '../../format';
import { DiffView } from '../../rules/diff-view';
import { ruleApi } from '../../rules/rule';
import { useRuleTexts } from '../../rules/texts';
import { useTexts } from './texts';

const SHOWN = 5;

interface Props {
  head: RuleSetHead;
  mayPublish: boolean;
  onChanged: () => void;
}

/** Who published what, when and why; each older version can be published again. */
export function History({ head, mayPublish, onChanged }: Props) {
  const t = useTexts().history;
  const query = useQuery<RuleHistory>(ruleApi(head, 'history'), (data, error) => (data && !error ? null : 5000));
  const [all, setAll] = useState(false);
  const [back, setBack] = useState<RuleVersion | undefined>(undefined);
  const versions = query.data?.versions;
  return (
    <section class="card" aria-labelledby="history-title">
      <header class="card-head">
        <h2 id="history-title">{t.title(head.kind)}</h2>
        <p class="card-sub">{versions && versions.length > 0 && t.sub(versions.length)}</p>
        {versions && versions.length > SHOWN && (
          <button type="button" class="link" onClick={() => setAll(!all)}>
            {all ? t.newest : t.all}
          </button>
        )}
      </header>
      <Trouble query={query} retrying />
      {versions?.length === 0 && <p class="no-match">{t.none}</p>}
      <ul class="gov-history">
        {versions?.slice(0, all ? versions.length : SHOWN).map((version) => (
          <Version key={version.version} version={version} head={head} mayPublish={mayPublish} onBack={() => setBack(version)} />
        ))}
      </ul>
      {back && <RollBack to={back} head={head} onClose={() => setBack(undefined)} onChanged={onChanged} />}
    </section>
  );
}

function Version({ version, head, mayPublish, onBack }: { version: RuleVersion; head: RuleSetHead; mayPublish: boolean; onBack: () => void }) {
  const t = useTexts().history;
  const state = t.states[version.state] ?? '';
  return (
    <li class="gov-version" data-testid="version-row" data-version={version.version}>
      <strong class="gov-v">v{version.version}</strong>
      <details>
        <summary aria-label={t.changes(version.version)}>
          <span class="gov-what">{version.summary || t.noChange}</span>
          <span class="gov-by dim">{[dateTime(version.at).slice(5, 16), version.author, version.comment && `“${version.comment}”`].filter(Boolean).join(' · ')}</span>
        </summary>
        <DiffView diff={version.diff} />
      </details>
      <span class="gov-do">
        {state && <span class={`badge ${version.state === 'in_force' ? 'badge-on' : version.state === 'stopped' ? 'badge-mild' : 'badge-blue'}`}>{state}</span>}
        {version.version !== head.version && mayPublish && (
          <button type="button" class="quiet" onClick={onBack} aria-label={t.backTo(version.version)}>
            {t.back}
          </button>
        )}
      </span>
    </li>
  );
}

function RollBack({ to, head, onClose, onChanged }: { to: RuleVersion; head: RuleSetHead; onClose: () => void; onChanged: () => void }) {
  const t = useTexts().history;
  const { publish } = useRuleTexts();
  const [comment, setComment] = useState('');
  const [now, setNow] = useState(true);
  return (
    <ConfirmDialog
      title={t.backTitle(to.version)}
      action={t.backTo(to.version)}
      disabled={head.rejects && !comment.trim()}
      onClose={onClose}
      onAct={async () => {
        await sendJson('POST', ruleApi(head, 'rollback'), { to: to.version, seen: head.version, comment, now });
        onChanged();
      }}
    >
      <p>{t.backLead(head.version, head.version + 1)}</p>
      <label>
        {publish.comment}
        <input class="text-input" maxLength={500} value={comment} onInput={(event) => setComment(event.currentTarget.value)} />
      </label>
      {head.rejects && (
        <label class="rules-now">
          <input type="checkbox" checked={now} onChange={(event) => setNow(event.currentTarget.checked)} /> {publish.now}
        </label>
      )}
    </ConfirmDialog>
  );
}
