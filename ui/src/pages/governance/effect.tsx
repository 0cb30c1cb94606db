import type { RuleSetHead } from '../../api.gen';
import { Plot } from '../../components/plot';
import { compact, count } from '../../format';
import { useMessages } from '../../i18n';
import type { Window } from '../../visit';
import { useTexts } from './texts';

/** How often the rules of one kind acted, over the time range of the visit. */
export function EffectCard({ head, window }: { head: RuleSetHead; window: Window }) {
  const t = useTexts().effect;
  const { windows } = useMessages().visit;
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
  const sum = acted.reduce((all, n) => all + n, 0);
  return (
    <section class="card gov-effect-card" data-testid="effect">
      <Plot
        title={t.title(kind)}
        sub={t.sub}
        now={compact(sum / Math.max(1, step * acted.length))}
        since={since}
        step={step}
        lines={[{ label: t.acted, color: '--mild-mark', values: acted.map((n) => n / step), filled: true }]}
        marks={version ? [{ at, label: t.mark(version) }] : []}
      />
      <p class="gov-totals">
        {counted.map(([verdict, n]) => (
          <span key={verdict}>
            {t.lines[verdict] ?? verdict} <strong>{count(n)}</strong>
          </span>
        ))}
        <span class="dim">{t.totals(windows[window])}</span>
      </p>
    </section>
  );
}
