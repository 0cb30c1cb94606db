import { DiffView } from './diff-view';
import { PreviewView } from './preview-view';
import { useRuleTexts } from './texts';
import type { Editing } from './use-draft';

/** What the draft would have done, and what it changes. */
export function Consequences({ editing }: { editing: Editing }) {
  const t = useRuleTexts();
  const { check, checking, previewed, touched } = editing;
  if (!touched || !check || check.errors.length > 0) return null;
  return (
    <>
      {check.preview ? (
        <PreviewView preview={check.preview} stale={checking} />
      ) : (
        <section class="rules-preview">
          <p class="rules-verdict-line dim">{previewed ? t.preview.away : t.preview.waiting}</p>
        </section>
      )}
      {check.diff && (
        <section class="rules-changes" data-testid="rules-changes">
          <h3>
            {t.diff.title} <span class="dim">{t.diff.versions(check.diff.before, check.diff.after)}</span>
          </h3>
          <DiffView diff={check.diff} />
        </section>
      )}
    </>
  );
}
