import type { Editing } from '../../rules/use-draft';
import type { CallerRow } from './access';
import { useTexts } from './texts';

const A_DAY = 86_400;

/** The page's question answered in a sentence: who is shut out by the rules in force. */
export function Verdict({ editing, rows }: { editing: Editing; rows: CallerRow[] }) {
  const t = useTexts();
  const { check, draft, previewed } = editing;
  const preview = check?.preview;
  if (!preview) return <p class="access-verdict dim">{previewed ? t.away : t.waiting}</p>;
  const denied = rows.filter(({ methods }) => methods.some(({ before }) => before > 0)).length;
  const days = Math.max(1, Math.round(((preview.until ?? 0) - (preview.since ?? 0)) / A_DAY));
  const said = rows.length === 0 ? t.noCalls : denied > 0 ? t.denied(denied, rows.length) : draft.base.length === 0 ? t.open : t.all(rows.length);
  return (
    <p class="access-verdict" data-testid="access-verdict">
      <strong class={denied ? 'bad-text' : ''}>{said}</strong> <span class="dim">{t.sub(days)}</span>
    </p>
  );
}
