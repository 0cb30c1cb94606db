import type { FleetSeries as Series } from '../api.gen';
import { clockTime, compact, count, dateTime, duration, percent } from '../format';
import { useMessages } from '../i18n';

const A_DAY = 86_400;

/** The same figures as a table, the newest first; what is not known says so. */
export function TrioTable({ series, id }: { series: Series; id: string }) {
  const t = useMessages();
  const { buckets, step_s: step, since, until } = series;
  const share = (part: number | null, of: number | null) => (of ? percent((part ?? 0) / of) : t.none);
  const long = until - since > A_DAY;
  return (
    <div class="scroll trio-table" id={id} tabIndex={0} role="region" aria-label={t.charts.asTable}>
      <table class="table">
        <thead>
          <tr>
            <th scope="col">{t.charts.time}</th>
            <th scope="col" class="num">
              {t.charts.calls}
            </th>
            <th scope="col" class="num">
              {t.figures.qps}
            </th>
            <th scope="col" class="num">
              {t.figures.failures}
            </th>
            <th scope="col" class="num wide">
              {t.figures.avg}
            </th>
            <th scope="col" class="num">
              {t.figures.p99}
            </th>
          </tr>
        </thead>
        <tbody>
          {[...buckets].reverse().map((bucket) => (
            <tr key={bucket.ts}>
              <td>{long ? dateTime(bucket.ts).slice(5, 16) : clockTime(bucket.ts)}</td>
              {bucket.count === null ? (
                <td colSpan={5} class="dim">
                  {t.charts.noData}
                </td>
              ) : (
                <>
                  <td class="num">{count(bucket.count)}</td>
                  <td class="num">{compact(bucket.count / Math.max(1, Math.min(step, until - bucket.ts)))}</td>
                  <td class="num">{share(bucket.failures, bucket.count)}</td>
                  <td class="num wide">{bucket.avg_ms === null ? t.none : duration(bucket.avg_ms)}</td>
                  <td class="num">{bucket.p99_ms === null ? t.none : duration(bucket.p99_ms)}</td>
                </>
              )}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
