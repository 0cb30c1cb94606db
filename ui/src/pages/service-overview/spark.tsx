import { compact } from '../../format';
import { useTexts } from './texts';

const HEIGHT = 22;
const WIDTH = 119;
const STEP = 2;

/** Calls of each minute of the last hour as bars; the failed part of each is red. */
export function Spark({ minutes, failed }: { minutes: number[]; failed: number[] }) {
  const t = useTexts().methods;
  const peak = Math.max(0, ...minutes);
  if (peak === 0) return null;
  const calls = minutes.reduce((sum, n) => sum + n, 0);
  return (
    <svg class="spark" viewBox={`0 0 ${WIDTH} ${HEIGHT}`} width={WIDTH} height={HEIGHT} role="img" aria-label={t.hourHint(compact(calls), compact(peak))}>
      <title>{t.hourHint(compact(calls), compact(peak))}</title>
      <path class="spark-base" d={`M0 ${HEIGHT - 0.5}H${WIDTH}`} />
      <path class="spark-calls" d={bars(minutes, peak)} />
      <path class="spark-failed" d={bars(failed, peak)} />
    </svg>
  );
}

function bars(counts: number[], peak: number): string {
  return counts
    .map((n, minute) => {
      const height = n === 0 ? 0 : Math.max(1, (n / peak) * (HEIGHT - 1));
      return height === 0 ? '' : `M${minute * STEP + 0.5} ${HEIGHT}v${-height.toFixed(1)}`;
    })
    .join('');
}
