import type { RuleSetHead } from '../../api.gen';
import { Plot } from '../../components/plot';
import { useRangeText } from '../../components/range-text';
import { compact, count } from '../../format';
import { useTexts } from './texts';

/** How often the rules of one kind acted, over the time range of the visit. */
export function EffectCard({ head }: { head: RuleSetHead }) {
  const t = useTexts().effect;
  const range = useRangeText();
  const { effect, kind, version, at } = head;
  const { acted = [], verdicts = {}, since = 0, step = 1, known = true } = effect;
  const total = Object.values(verdicts).reduce((sum, n) => sum + n, 0);
  const counted = Object.entries(verdicts).filter(([, n]) => n > 0);
  if (!known || total === 0)
    return (
      <section class="card gov-effect-card">
        <p class="no-match">
          <strong>{t.title(kind)}</strong> {known ? t.none : t.unknown}
        </p>
      </section>
    );
  const sum = acted.reduce<number>((all, n) => all + (n ?? 0), 0);
  const slots = acted.filter((n) => n !== null).length;
  return (
    <section class="card gov-effect-card" data-testid="effect">
      <Plot
        title={t.title(kind)}
        sub={t.sub}
        now={compact(sum / Math.max(1, step * slots))}
        since={since}
        step={step}
        lines={[{ label: t.acted, color: '--mild-mark', values: acted.map((n) => (n === null ? null : n / step)), filled: true }]}
        marks={version ? [{ at, label: t.mark(version) }] : []}
      />
      <p class="gov-totals">
        {counted.map(([verdict, n]) => (
          <span key={verdict}>
            {t.lines[verdict] ?? verdict} <strong>{count(n)}</strong>
          </span>
        ))}
        <span class="dim">{range.sentence}</span>
      </p>
    </section>
  );
}
