import type { ComponentChildren } from 'preact';
import { useId, useMemo, useState } from 'preact/hooks';
import { useQuery } from '../api/query';
import type { Change, ChangeList, FleetSeries as Series } from '../api.gen';
import { clockTime, compact, duration, percent, period } from '../format';
import { type Messages, useMessages } from '../i18n';
import { pathTo } from '../paths';
import { useUrlState, withQuery } from '../urlstate';
import { rangePatch, type Visit } from '../visit';
import { Chart, type Line, plain } from './chart';
import { ChangeMark } from './change-mark';
import { TrioTable } from './trio-table';

const MOST_MARKS = 50;
const NAMED_MARKS = 4;
const REFRESH_MS = 15_000;

type Bucket = Series['buckets'][number];

interface Props {
  series: Series;
  visit: Visit;
  /** Charts with the same key share their cursor. */
  group: string;
  /** Whose changes are marked: a PSM; empty for the whole fleet's, undefined for none. */
  changesOf?: string | undefined;
}

/** Rate, failures and latency over the same time, under one cursor, with what changed meanwhile; as pictures or as a table. */
export function Trio({ series, visit, group, changesOf }: Props) {
  const t = useMessages();
  const url = useUrlState();
  const id = useId();
  const [table, setTable] = useState(false);
  const changes = useChanges(series, visit, changesOf);
  const marks = useMemo(() => changes.map(({ at, kind }) => ({ at, kind })), [changes]);
  const drawn = useMemo(() => drawingOf(series, visit.against, t), [series, visit.against, t]);
  const empty = series.buckets.every(({ count }) => !count);
  const onZoom = (since: number, until: number) => url.push(rangePatch({ since, until }));
  const shared = { times: drawn.times, unknown: drawn.unknown, marks, timeLabel: t.charts.time, group, onZoom };
  return (
    <div class="trio">
      {table ? (
        <TrioTable series={series} id={id} />
      ) : (
        <div class="trio-charts" id={id}>
          <Chart title={t.charts.rate} sub={t.charts.rateSub} now={drawn.now.rate} lines={drawn.rate} write={plain} {...shared} />
          <Chart title={t.charts.failures} sub={t.charts.failuresSub} now={drawn.now.failures} lines={drawn.failures} write={(value) => `${plain(value)}%`} {...shared} />
          <Chart title={t.charts.latency} sub={t.charts.latencySub} now={drawn.now.latency} lines={drawn.latency} write={duration} {...shared} />
        </div>
      )}
      <p class="trio-foot">
        {empty && <span>{t.charts.noCalls}</span>}
        {changes.slice(0, NAMED_MARKS).map((change) => (
          <a key={change.id} class="trio-change" href={pathTo('changes', {}, { open: change.id, of: changesOf ?? '' })}>
            <ChangeMark kind={change.kind} /> {nameOf(change, changesOf)} · {clockTime(change.at).slice(0, 5)}
          </a>
        ))}
        {changes.length > NAMED_MARKS && <a href={pathTo('changes', {}, { of: changesOf ?? '' })}>{t.charts.more(changes.length - NAMED_MARKS)}</a>}
        <span class="trio-hint dim">
          {t.charts.step(period(series.step_s))}
          {!table && ` · ${t.charts.drag}`}
        </span>
        <button type="button" class="link" aria-pressed={table} onClick={() => setTable(!table)}>
          {table ? t.charts.asCharts : t.charts.asTable}
        </button>
      </p>
    </div>
  );
}

/** What stands there before the first answer, as high as the charts will be. */
export function TrioRoom({ children }: { children?: ComponentChildren }) {
  return (
    <div class="trio" aria-busy="true">
      <div class="trio-charts">
        {[1, 2, 3].map((each) => (
          <figure key={each} class="chart trio-room" aria-hidden="true" />
        ))}
      </div>
      <p class="trio-foot dim">{children}</p>
    </div>
  );
}

function useChanges({ since, until }: Series, visit: Visit, of: string | undefined): Change[] {
  // To the minute: a span that moved with every answer would be another question each time.
  const minute = (moment: number) => String(Math.floor(moment / 60) * 60);
  const path = of === undefined ? '' : withQuery('/api/changes', { psm: of, since: minute(since), until: minute(until + 120), limit: String(MOST_MARKS) });
  const query = useQuery<ChangeList>(path, () => (path ? visit.cadence(REFRESH_MS) : null), true);
  return useMemo(() => query.data?.changes.filter(({ at }) => at >= since) ?? [], [query.data, since]);
}

/** What changed, without the words that its mark says already. */
function nameOf({ subject, psm, version, kind }: Change, of: string | undefined): string {
  const what = subject.split('/').slice(1).join('/') || subject;
  return [of ? '' : psm, what, version && kind !== 'release' ? `v${version}` : ''].filter(Boolean).join(' ');
}

function drawingOf({ buckets, past, step_s: step, until }: Series, against: Visit['against'], t: Messages) {
  const { figures, charts, visit } = t;
  // Of the last bucket only a part may be known yet.
  const seconds = ({ ts }: Bucket) => Math.max(1, Math.min(step, until - ts));
  const rate = (bucket: Bucket) => (bucket.count === null ? null : bucket.count / seconds(bucket));
  const share = (part: 'failures' | 'rejected' | 'business') => (bucket: Bucket) => (bucket.count ? (100 * (bucket[part] ?? 0)) / bucket.count : null);
  const line = (label: string, color: string, pick: (bucket: Bucket) => number | null, more: Partial<Line> = {}): Line => ({ label, color, values: buckets.map(pick), ...more });
  const before = (pick: (bucket: Bucket) => number | null): Line[] =>
    against && past?.length ? [{ label: visit.againsts[against], color: '--past', values: past.map(pick), past: true, thin: true }] : [];
  const whole = (bucket: Bucket) => (bucket.count === null ? null : bucket.count / step);
  // The last bucket that is over: the newest one still fills.
  const last = buckets.findLast(({ ts, count }) => ts + step <= until && count !== null);
  const written = (value: number | null | undefined, write: (value: number) => string) => (value === null || value === undefined ? t.none : write(value));
  return {
    times: buckets.map(({ ts }) => ts),
    unknown: buckets.map(({ count }) => count === null),
    rate: [line(charts.calls, '--rate', rate, { filled: true }), ...before(whole)],
    failures: [
      line(figures.failures, '--fail', share('failures'), { filled: true }),
      line(figures.rejected, '--mild-mark', share('rejected'), { thin: true }),
      line(figures.business, '--hue-7', share('business'), { thin: true }),
      ...before(share('failures')),
    ],
    latency: [
      line(figures.p99, '--slow', ({ p99_ms }) => p99_ms, { filled: true }),
      line(figures.avg, '--hue-3', ({ avg_ms }) => avg_ms, { thin: true }),
      line(figures.p50, '--hue-1', ({ p50_ms }) => p50_ms, { thin: true }),
      ...before(({ p99_ms }) => p99_ms),
    ],
    now: {
      rate: written(last && rate(last), compact),
      failures: written(last && share('failures')(last), (value) => percent(value / 100)),
      latency: written(last?.p99_ms, duration),
    },
  };
}
