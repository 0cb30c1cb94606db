import { useState } from 'preact/hooks';
import { ApiError } from '../api/client';
import type { RuleSetDetail } from '../api.gen';
import { useAgo } from '../components/ago';
import { Steps } from './roll-out';
import { useRuleTexts } from './texts';
import type { Editing } from './use-draft';

interface Props {
  editing: Editing;
  detail: RuleSetDetail;
  owners: string[];
  onPublished: (detail: RuleSetDetail) => void;
  /** Somebody published first, or the platform knows better: ask it anew. */
  onRefused: () => void;
}

/** How far it goes at once, why, and the button that publishes; who may not is told who may. */
export function PublishBar({ editing, detail, owners, onPublished, onRefused }: Props) {
  const t = useRuleTexts().publish;
  const { draft, check, checking, touched, broken } = editing;
  const [now, setNow] = useState(false);
  const [busy, setBusy] = useState(false);
  const [trouble, setTrouble] = useState('');
  const { rejects } = detail.head;
  const stepped = check?.stepped ?? false;
  const changes = (check?.diff?.lines.length ?? 0) > 0;
  const unsaid = rejects && !draft.comment.trim();
  const hindrance =
    (detail.frozen && t.frozen(detail.frozen.by, detail.frozen.reason)) ||
    (!detail.may_publish && t.forbidden(owners.join(', '))) ||
    (broken || (check?.errors.length ?? 0) > 0 ? t.fix : '') ||
    (touched && check && !checking && !changes ? t.nothing : '');
  const ready = touched && !busy && !checking && changes && !unsaid && !hindrance && !check?.clash;
  const publish = async (event: SubmitEvent) => {
    event.preventDefault();
    setBusy(true);
    setTrouble('');
    try {
      onPublished(await editing.publish(now));
    } catch (error) {
      const status = error instanceof ApiError ? error.status : 0;
      setTrouble(status === 0 ? t.away : t.failed(error instanceof ApiError ? error.message : ''));
      onRefused();
    }
    setBusy(false);
  };
  if (!touched) return null;
  return (
    <form class="rules-publish" onSubmit={(event) => void publish(event)} data-testid="rules-publish">
      <div class="rules-rollout">
        <h4>
          {t.rollout} <span class="dim">{stepped && !now ? t.stepsSub : ''}</span>
        </h4>
        {stepped ? (
          <>
            {!now && <Steps />}
            <label class="rules-now">
              <input type="checkbox" checked={now} onChange={(event) => setNow(event.currentTarget.checked)} /> {t.now}
            </label>
          </>
        ) : (
          <p class="dim">{t.atOnce}</p>
        )}
      </div>
      <div class="rules-go">
        <label class="rules-comment">
          <span class="offscreen">{t.comment}</span>
          <input class="text-input" type="text" maxLength={500} placeholder={t.comment} value={draft.comment} onInput={(event) => editing.comment(event.currentTarget.value)} />
        </label>
        <button type="button" class="quiet" onClick={editing.discard}>
          {t.discard}
        </button>
        <button type="submit" class="button" disabled={!ready}>
          {busy ? t.busy : t.go(detail.head.version + 1)}
        </button>
        <p class="rules-note" role="status">
          {trouble ? (
            <span class="bad-text">{trouble}</span>
          ) : hindrance ? (
            <span class="mild-text">{hindrance}</span>
          ) : unsaid && changes ? (
            <span class="dim">{t.needed}</span>
          ) : (
            <Kept at={draft.at} />
          )}
        </p>
      </div>
    </form>
  );
}

function Kept({ at }: { at: number }) {
  const t = useRuleTexts().publish;
  return <span class="dim">{t.kept(useAgo(at))}</span>;
}
