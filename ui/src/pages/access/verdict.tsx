import type { RulesPreview } from '../../api.gen';
import type { CallerRow } from './access';
import { useTexts } from './texts';

const A_DAY = 86_400;

interface Props {
  preview: RulesPreview | null | undefined;
  /** The store of calls was asked, and gave none. */
  away: boolean;
  /** Somebody has published a rule. */
  ruled: boolean;
  rows: CallerRow[];
}

/** The page's question answered in a sentence: who is shut out by the rules in force. */
export function Verdict({ preview, away, ruled, rows }: Props) {
  const t = useTexts();
  if (!preview) return <p class="access-verdict dim">{away ? t.away : t.waiting}</p>;
  const denied = rows.filter(({ methods }) => methods.some(({ before }) => before > 0)).length;
  const days = Math.max(1, Math.round(((preview.until ?? 0) - (preview.since ?? 0)) / A_DAY));
  const said = rows.length === 0 ? t.noCalls : denied > 0 ? t.denied(denied, rows.length) : ruled ? t.all(rows.length) : t.open;
  return (
    <p class="access-verdict" data-testid="access-verdict">
      <strong class={denied ? 'bad-text' : ''}>{said}</strong> <span class="dim">{t.sub(days)}</span>
    </p>
  );
}
