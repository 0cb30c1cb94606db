import type { PreviewCaller, RulesPreview } from '../api.gen';
import { Plot } from '../components/plot';
import { ServiceLink } from '../components/service-link';
import { compact, count, percent, period } from '../format';
import { useRuleTexts } from './texts';
import type { RuleTexts } from './texts.en';

const SHOWN = 8;
/** Of a chart, however little is known. */
const FEWEST_SLOTS = 12;
const A_DAY = 86_400;

/** What a draft would have done to the calls of the last days, in words, over time, and by caller. */
export function PreviewView({ preview, stale }: { preview: RulesPreview; stale: boolean }) {
  const t = useRuleTexts().preview;
  const rows = (preview.callers ?? []).filter(({ hit, recorded }) => hit > 0 || recorded > 0);
  const targets = preview.targets ?? [];
  return (
    <section class={`rules-preview${stale ? ' rules-stale' : ''}`} aria-busy={stale} data-testid="rules-preview">
      <Verdict preview={preview} t={t} />
      {preview.series && <Series preview={preview} t={t} />}
      {targets.length > 0 && (
        <table class="table">
          <thead>
            <tr>
              <th scope="col">{t.way}</th>
              <th scope="col" class="num">
                {t.now}
              </th>
              <th scope="col" class="num">
                {t.then}
              </th>
            </tr>
          </thead>
          <tbody>
            {targets.map(({ way, calls, before }) => (
              <tr key={way}>
                <th scope="row">{way}</th>
                <td class="num">{count(before)}</td>
                <td class="num">{count(calls)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
      {rows.length > 0 && <Callers preview={preview} rows={rows} t={t} />}
    </section>
  );
}

function Verdict({ preview, t }: { preview: RulesPreview; t: RuleTexts['preview'] }) {
  const { kind, action = '', calls = 0, hit = 0, before = 0, recorded = 0, since = 0, until = 0, complete = true } = preview;
  if (kind === 'no') return <p class="rules-verdict-line dim">{t.no}</p>;
  if (calls === 0) return <p class="rules-verdict-line dim">{t.nothing}</p>;
  const what = t.actions[action] ?? action;
  // Of a long list only the first rows came: then the platform's count has those of dry runs in it.
  const listed = new Set((preview.callers ?? []).filter((row) => row.hit > 0).map(({ caller }) => caller)).size;
  const callers = preview.more_callers ? (preview.callers_hit ?? listed) : listed;
  const notes = [
    hit > 0 && t.share(percent(hit / calls), count(calls)),
    before > 0 && t.before(count(before)),
    recorded > 0 && t.recorded(count(recorded)),
    kind === 'estimate' && t.least,
    !complete && t.incomplete,
  ].filter(Boolean);
  return (
    <p class="rules-verdict-line">
      <strong class={hit > 0 ? 'bad-text' : ''}>{hit > 0 ? t.hit(count(hit), callers, kind === 'estimate', what) : t.none(count(calls), what)}</strong>{' '}
      <span class="dim">{[t.days(Math.max(1, Math.round((until - since) / A_DAY))), ...notes].join(' · ')}</span>
    </p>
  );
}

function Series({ preview, t }: { preview: RulesPreview; t: RuleTexts['preview'] }) {
  const { series, action = '' } = preview;
  if (!series) return null;
  const { step, limit = 0, caller = '', method = '' } = series;
  // What nothing is known of is not drawn as zero, and before the first report not at all.
  const known = series.called.findIndex((n) => n !== null);
  const first = Math.max(0, Math.min(known, series.called.length - FEWEST_SLOTS));
  const since = series.since + first * step;
  const part = (values: Array<number | null>, unit = 1) => values.slice(first).map((value) => (value === null ? null : value / unit));
  const [called, hit, highest] = [part(series.called, step), part(series.hit, step), part(series.highest ?? [])];
  const span = step * called.length;
  const whose = [caller, method].filter(Boolean).join(' → ');
  return (
    <Plot
      title={[t.chart, whose].filter(Boolean).join(' ')}
      sub={t.chartSub(period(step), span >= 2 * A_DAY ? t.days(Math.round(span / A_DAY)) : period(span))}
      since={since}
      step={step}
      lines={[
        { label: t.called, color: '--rate', values: called, filled: true },
        ...(highest.length ? [{ label: t.highest, color: '--past', values: highest }] : []),
        { label: t.acted[action] ?? action, color: '--fail', values: hit, filled: true },
      ]}
      limit={limit > 0 ? { value: limit, label: t.limit(compact(limit)) } : undefined}
    />
  );
}

function Callers({ preview, rows, t }: { preview: RulesPreview; rows: PreviewCaller[]; t: RuleTexts['preview'] }) {
  const most = Math.max(...rows.map(({ hit, recorded = 0 }) => hit + recorded));
  const hasPeak = rows.some(({ highest = 0 }) => highest > 0);
  const left = rows.length - SHOWN + (preview.more_callers ?? 0);
  return (
    <div class="scroll">
      <table class="table">
        <thead>
          <tr>
            <th scope="col">{t.caller}</th>
            <th scope="col">{t.method}</th>
            <th scope="col" class="num wide">
              {t.calls}
            </th>
            {hasPeak && (
              <th scope="col" class="num wide">
                {t.peak}
              </th>
            )}
            <th scope="col" class="num">
              {t.hits[preview.action ?? ''] ?? preview.action}
            </th>
          </tr>
        </thead>
        <tbody>
          {rows.slice(0, SHOWN).map(({ caller, method, calls, hit, recorded = 0, highest = 0 }) => (
            <tr key={`${caller} ${method}`} data-testid="preview-row" data-caller={caller}>
              <th scope="row">{caller ? <ServiceLink psm={caller} /> : <span class="dim">{t.unknownCaller}</span>}</th>
              <td class="mono wraps">{method}</td>
              <td class="num wide">{count(calls)}</td>
              {hasPeak && <td class="num wide">{highest ? `${compact(highest)} /s` : ''}</td>}
              <td class={`num bar-cell ${hit > 0 ? 'bad-text strong' : 'mild-text'}`}>
                <span class="bar rules-bar" style={{ width: `${(100 * (hit + recorded)) / most}%` }} />
                {count(hit + recorded)}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      {left > 0 && <p class="dim rules-nothing">{t.more(left)}</p>}
    </div>
  );
}
