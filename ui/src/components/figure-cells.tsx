import type { Figures } from '../api.gen';
import { compact, count, duration, percent } from '../format';
import { useMessages } from '../i18n';
import { failureTone } from './failure-tone';

const VISIBLE_SHARE = 0.02;

/** The headings of the cells below. */
export function FigureHeads({ median = false }: { median?: boolean }) {
  const t = useMessages().figures;
  return (
    <>
      <Head text={t.qps} />
      <Head text={t.avg} />
      {median && <Head text={t.p50} extra />}
      <Head text={t.p99} hint={t.p99Hint} />
      <Head text={t.failures} hint={t.failuresHint} />
      <Head text={t.rejected} hint={t.rejectedHint} wide />
      <Head text={t.business} hint={t.businessHint} wide />
    </>
  );
}

/** How many columns those are. */
export const FIGURES = 6;

/** Rate, times and shares of some calls; `busiest` is the QPS of a full bar. */
export function FigureCells({ figures, busiest, median = false }: { figures: Figures; busiest: number; median?: boolean }) {
  const { none } = useMessages();
  const { calls, failures, rejected, business, qps, avg_ms, p50_ms, p99_ms } = figures;
  const share = busiest > 0 ? qps / busiest : 0;
  const measured = (text: string) => (calls > 0 ? text : <span class="dim">{none}</span>);
  const part = (n: number) => (calls > 0 && n === 0 ? <span class="dim">0%</span> : measured(percent(n / calls)));
  return (
    <>
      <td class="num bar-cell" title={count(calls)}>
        {share >= VISIBLE_SHARE && <span class="bar" style={{ width: `${100 * share}%` }} />}
        {measured(compact(qps))}
      </td>
      <td class="num">{measured(duration(avg_ms))}</td>
      {median && <td class="num extra">{measured(duration(p50_ms))}</td>}
      <td class="num">{measured(duration(p99_ms))}</td>
      <td class={`num ${calls ? failureTone(failures / calls) : ''}`} title={count(failures)}>
        {part(failures)}
      </td>
      <td class={`num wide ${rejected ? 'mild-text' : ''}`} title={count(rejected)}>
        {part(rejected)}
      </td>
      <td class="num wide" title={count(business)}>
        {part(business)}
      </td>
    </>
  );
}

function Head({ text, hint, wide, extra }: { text: string; hint?: string; wide?: boolean; extra?: boolean }) {
  return (
    <th scope="col" class={`num${wide ? ' wide' : ''}${extra ? ' extra' : ''}`} title={hint}>
      {text}
    </th>
  );
}
