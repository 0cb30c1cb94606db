import { useMemo } from 'preact/hooks';
import { useQuery } from '../../api/query';
import type { ServiceSeries } from '../../api.gen';
import { Chart, type Line } from '../../components/chart';
import type { ServiceView } from '../../components/service-view';
import { Trouble } from '../../components/trouble';
import { period } from '../../format';
import { type Messages, useMessages } from '../../i18n';
import { withQuery } from '../../urlstate';
import { windowOf } from '../../visit';
import { useTexts } from './texts';
import type { Texts } from './texts.en';

const REFRESH_MS = 10_000;

/** A method (all of them if null) over time: how often, how long, how badly. */
export function Monitor({ view, method }: { view: ServiceView; method: string | null }) {
  const t = useTexts();
  const common = useMessages();
  const { psm, cluster, url } = view;
  const window = windowOf(url.get('window'));
  const base = withQuery(`/api/services/${encodeURIComponent(psm)}/series`, { window, cluster });
  const path = method === null ? base : `${base}&method=${encodeURIComponent(method)}`;
  const query = useQuery<ServiceSeries>(path, () => REFRESH_MS, true);
  const series = query.data;
  const name = method === null ? t.methods.all : method || t.methods.nameless;
  return (
    <div class="monitor" data-testid="monitor" role="group" aria-label={t.monitor.title(name)}>
      <Trouble query={query} retrying />
      <div class="monitor-head">
        <strong>{t.monitor.title(name)}</strong>
        {series && <span class="dim">{t.monitor.step(period(series.step_s))}</span>}
      </div>
      {series ? <Charts series={series} t={t} /> : <p class="dim monitor-waiting">{query.error ? '' : common.loading}</p>}
    </div>
  );
}

function Charts({ series, t }: { series: ServiceSeries; t: Texts }) {
  const { figures } = useMessages();
  const { times, rate, latency, errors } = useMemo(() => linesOf(series, t, figures), [series, t, figures]);
  if (series.buckets.every(({ count }) => count === 0)) return <p class="dim monitor-waiting">{t.monitor.empty}</p>;
  const shared = { times, timeLabel: t.monitor.time, group: `${series.psm} ${series.method ?? ''}` };
  return (
    <div class="charts">
      <Chart title={t.monitor.qps} lines={rate} {...shared} />
      <Chart title={t.monitor.latency} lines={latency} {...shared} />
      <Chart title={t.monitor.errors} lines={errors} {...shared} />
    </div>
  );
}

function linesOf({ buckets, step_s: step, until }: ServiceSeries, t: Texts, figures: Messages['figures']) {
  // Of the last bucket only a part may be known yet.
  const perSecond = (n: number, ts: number) => n / Math.max(1, Math.min(step, until - ts));
  const line = (label: string, color: string, pick: (bucket: ServiceSeries['buckets'][number]) => number | null): Line => ({
    label,
    color,
    values: buckets.map(pick),
  });
  return {
    times: buckets.map(({ ts }) => ts),
    rate: [{ ...line(t.monitor.total, '--accent', ({ count, ts }) => perSecond(count, ts)), filled: true }],
    latency: [
      line(figures.p99, '--hue-2', ({ p99_ms }) => p99_ms),
      line(figures.avg, '--hue-3', ({ avg_ms }) => avg_ms),
      line(figures.p50, '--hue-1', ({ p50_ms }) => p50_ms),
    ],
    errors: [
      { ...line(figures.failures, '--bad-fill', ({ failures, ts }) => perSecond(failures, ts)), filled: true },
      line(figures.rejected, '--mild-fill', ({ rejected, ts }) => perSecond(rejected, ts)),
      line(figures.business, '--hue-7', ({ business, ts }) => perSecond(business, ts)),
    ],
  };
}
