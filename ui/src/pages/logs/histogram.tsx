import { useRef, useState } from 'preact/hooks';
import { count, dateTimeMs } from '../../format';
import { levelsOf, toneOf } from './levels';
import type { Span } from './search-url';
import { useTexts } from './texts';
import { ticksOf } from './time-axis';
import type { Bucket, Histogram as Answer } from '../../api.gen';

/** A drag shorter than this, in pixels, is a click. */
const CLICK_PX = 4;
const TOOLTIP_WIDTH = 230;

interface Drag {
  from: number;
  to: number;
}

interface Hover {
  bucket: Bucket;
  x: number;
  y: number;
}

/** How many lines per moment and level. Dragging over it, or clicking a bar, zooms in. */
export function Histogram({ answer, stale, onZoom }: { answer: Answer | undefined; stale: boolean; onZoom?: (span: Span) => void }) {
  const t = useTexts().histogram;
  const plot = useRef<HTMLDivElement>(null);
  const start = useRef(0);
  const [drag, setDrag] = useState<Drag | null>(null);
  const [hover, setHover] = useState<Hover | null>(null);
  if (!answer) return <div class="histogram placeholder" aria-hidden="true" />;

  const { buckets, since, until, step_s: step } = answer;
  const most = Math.max(1, ...buckets.map(({ total }) => total));
  const levels = levelsOf(buckets);
  const length = until - since || 1;
  const share = (event: PointerEvent): number => {
    const box = plot.current?.getBoundingClientRect();
    return box ? Math.min(1, Math.max(0, (event.clientX - box.left) / box.width)) : 0;
  };
  const bucketAt = (at: number) => buckets.findLast(({ ts }) => ts <= since + at * length) ?? buckets[0];

  const finish = (event: PointerEvent) => {
    if (!drag || !onZoom) return;
    setDrag(null);
    const [from, to] = drag.from < drag.to ? [drag.from, drag.to] : [drag.to, drag.from];
    const bucket = bucketAt(drag.from);
    if (Math.abs(event.clientX - start.current) > CLICK_PX) onZoom({ since: since + from * length, until: since + to * length });
    else if (bucket?.total) onZoom({ since: Math.max(since, bucket.ts), until: Math.min(until, bucket.ts + step) });
  };
  return (
    <div class={`histogram${stale ? ' stale' : ''}`} data-testid="histogram">
      <div
        ref={plot}
        class={`histogram-plot${onZoom ? ' can-zoom' : ''}`}
        role="img"
        aria-label={t.label(count(answer.total))}
        title={onZoom && !hover ? t.hint : undefined}
        onPointerDown={(event) => {
          if (!onZoom || event.button !== 0) return;
          event.currentTarget.setPointerCapture(event.pointerId);
          start.current = event.clientX;
          setDrag({ from: share(event), to: share(event) });
        }}
        onPointerMove={(event) => {
          if (drag) setDrag({ ...drag, to: share(event) });
          const bucket = bucketAt(share(event));
          setHover(bucket ? { bucket, x: event.clientX, y: plot.current?.getBoundingClientRect().bottom ?? event.clientY } : null);
        }}
        onPointerUp={finish}
        onPointerCancel={() => setDrag(null)}
        onPointerLeave={() => setHover(null)}
      >
        <svg viewBox={`0 0 ${length} ${most}`} preserveAspectRatio="none" aria-hidden="true">
          {buckets.map((bucket) => (
            <Bar key={bucket.ts} bucket={bucket} x={bucket.ts - since} width={Math.min(step, until - bucket.ts)} most={most} levels={levels} />
          ))}
          {drag && <rect class="histogram-drag" x={Math.min(drag.from, drag.to) * length} width={Math.abs(drag.to - drag.from) * length} y={0} height={most} />}
        </svg>
        <span class="histogram-most">{answer.total > 0 && count(most)}</span>
      </div>
      <div class="histogram-axis" aria-hidden="true">
        {ticksOf({ since, until }, 12).map(({ at, share, label }) => (
          <span key={at} style={{ left: `${share * 100}%` }}>
            {label}
          </span>
        ))}
      </div>
      {hover && <Counts hover={hover} step={step} drag={drag && dragSpan(drag, since, length)} />}
    </div>
  );
}

function Bar({ bucket, x, width, most, levels }: { bucket: Bucket; x: number; width: number; most: number; levels: string[] }) {
  let top = most;
  return (
    <g>
      {levels.map((level) => {
        const height = bucket.levels[level] ?? 0;
        if (!height) return null;
        top -= height;
        return <rect key={level} class={`lv-${toneOf(level)}`} x={x + width * 0.08} width={width * 0.84} y={top} height={height} />;
      })}
    </g>
  );
}

function Counts({ hover, step, drag }: { hover: Hover; step: number; drag: Span | null }) {
  const { bucket, x, y } = hover;
  const left = Math.max(8, Math.min(x + 12, document.documentElement.clientWidth - TOOLTIP_WIDTH - 8));
  const span = drag ?? { since: bucket.ts, until: bucket.ts + step };
  return (
    <div class="tooltip" role="tooltip" style={{ left: `${left}px`, top: `${y + 8}px`, width: `${TOOLTIP_WIDTH}px` }}>
      <strong>{dateTimeMs(span.since)}</strong>
      <span class="dim">→ {dateTimeMs(span.until)}</span>
      {!drag && (
        <dl class="counts">
          {levelsOf([bucket]).map((level) => (
            <div key={level}>
              <dt>
                <i class={`swatch lv-${toneOf(level)}`} />
                {level}
              </dt>
              <dd>{count(bucket.levels[level] ?? 0)}</dd>
            </div>
          ))}
        </dl>
      )}
    </div>
  );
}

function dragSpan(drag: Drag, since: number, length: number): Span | null {
  if (drag.from === drag.to) return null;
  return { since: since + Math.min(drag.from, drag.to) * length, until: since + Math.max(drag.from, drag.to) * length };
}
