import { useEffect, useState } from 'preact/hooks';
import { ApiError, getJson, sendJson } from '../../api/client';
import type { ConfigCheck, ConfigPage, ConfigProblem } from '../../api.gen';
import { Icon } from '../../components/icon';
import type { UrlState } from '../../urlstate';
import { Changes } from './changes';
import { type Draft, merged, putOf } from './draft';
import { useTexts } from './texts';

interface Props {
  page: ConfigPage;
  draft: Draft;
  changes: number;
  /** Whether the review is open. */
  open: boolean;
  url: UrlState;
  onDraft: (next: Draft | undefined) => void;
  onDone: () => void;
}

/** What publishing would do, why, and the button that does it. What somebody wrote is never lost. */
export function Publish({ page, draft, changes, open, url, onDraft, onDone }: Props) {
  const t = useTexts().publish;
  return (
    <section class="card config-publish" aria-label={t.title} data-testid="config-publish">
      <div class="config-bar">
        <strong>{t.changes(changes)}</strong>
        <span class="config-buttons">
          <button type="button" class="quiet" onClick={() => onDraft(undefined)}>
            {t.discard}
          </button>
          {!open && (
            <button type="button" class="button" onClick={() => url.push({ view: 'publish' })} data-testid="config-review">
              {t.review}
            </button>
          )}
          {open && (
            <button type="button" class="quiet" onClick={() => url.patch({ view: '' })}>
              {t.back}
            </button>
          )}
        </span>
      </div>
      {open && <Review page={page} draft={draft} onDraft={onDraft} onDone={onDone} />}
    </section>
  );
}

function Review({ page, draft, onDraft, onDone }: Pick<Props, 'page' | 'draft' | 'onDraft' | 'onDone'>) {
  const t = useTexts().publish;
  const path = `/api/config/${encodeURIComponent(page.psm)}`;
  const [check, setCheck] = useState<ConfigCheck>();
  const [comment, setComment] = useState('');
  const [trouble, setTrouble] = useState('');
  const [busy, setBusy] = useState(false);
  const told = (error: unknown) => setTrouble((error instanceof ApiError && error.message) || t.failed);
  useEffect(() => {
    let current = true;
    sendJson<ConfigCheck>('POST', `${path}/check`, putOf(draft, '')).then((found) => current && setCheck(found), told);
    return () => {
      current = false;
    };
  }, [draft, page.version]);
  const publish = async (event: SubmitEvent) => {
    event.preventDefault();
    setBusy(true);
    setTrouble('');
    try {
      await sendJson('PUT', path, putOf(draft, comment));
      onDone();
    } catch (error) {
      told(error);
      setBusy(false);
    }
  };
  const merge = () => getJson<ConfigPage>(path).then((theirs) => onDraft(merged(draft, theirs)), told);
  if (!check) return <p class="config-none">{trouble || t.checking}</p>;
  return (
    <form class="config-review" onSubmit={(event) => void publish(event)}>
      {check.conflict && (
        <div class="config-conflict" role="alert">
          <h3>
            <Icon name="warning" /> {t.conflict}
          </h3>
          <p>{check.conflict}</p>
          <button type="button" class="button" onClick={() => void merge()} data-testid="config-merge">
            {t.merge}
          </button>
        </div>
      )}
      <Problems title={t.errors} problems={check.errors} tone="bad" />
      <Problems title={t.warnings} problems={check.warnings} tone="mild" />
      <h3>{t.what}</h3>
      <Changes changes={check.changes} />
      <label>
        <span>{t.comment}</span>
        <input class="text-input" value={comment} maxLength={2000} autocomplete="off" onInput={(event) => setComment(event.currentTarget.value)} data-testid="config-comment" />
      </label>
      <p class="config-none">{t.effect(check.running)}</p>
      <p class="config-trouble" role="alert">
        {trouble}
      </p>
      <button type="submit" class="button" disabled={busy || check.errors.length > 0 || check.conflict !== ''} data-testid="config-publish-button">
        {t.publish(check.version + 1)}
      </button>
    </form>
  );
}

function Problems({ title, problems, tone }: { title: string; problems: ConfigProblem[]; tone: 'bad' | 'mild' }) {
  const { reasons } = useTexts().publish;
  if (problems.length === 0) return null;
  return (
    <div class={`config-problems config-problems-${tone}`} role={tone === 'bad' ? 'alert' : undefined}>
      <strong>{title}</strong>
      <ul>
        {problems.map(({ key, message, reason = '' }) => (
          <li key={`${key} ${message}`}>
            {key && <span class="mono">{key}: </span>}
            {reasons[reason] ?? message}
          </li>
        ))}
      </ul>
    </div>
  );
}
