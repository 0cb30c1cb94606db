import { useId } from 'preact/hooks';
import { clockTime, compact, dateTime } from '../format';
import { useMessages } from '../i18n';

export interface PlotLine {
  label: string;
  /** The token of its colour, e.g. `--rate`. */
  color: string;
  /** One for each slot; null is a gap. */
  values: Array<number | null>;
  filled?: boolean;
}

interface Props {
  title: string;
  sub: string;
  /** The value now, at the right of the title. */
  now?: string;
  /** Unix seconds of the first slot, and how long a slot is. */
  since: number;
  step: number;
  lines: PlotLine[];
  /** A dashed line, labelled in place. */
  limit?: { value: number; label: string } | undefined;
  /** Moments at which something changed, in Unix seconds. */
  marks?: Array<{ at: number; label: string }>;
}

const WIDTH = 1000;
const HEIGHT = 100;
const A_DAY = 86_400;

/** Lines over time from zero, as SVG: small, without a cursor; its text says what the picture shows. */
export function Plot({ title, sub, now, since, step, lines, limit, marks = [] }: Props) {
  const id = useId();
  const t = useMessages().charts;
  const slots = Math.max(1, ...lines.map(({ values }) => values.length));
  const highest = Math.max(0, limit?.value ?? 0, ...lines.flatMap(({ values }) => values.map((value) => value ?? 0)));
  const top = niceTop(highest);
  const y = (value: number) => HEIGHT - (value / top) * HEIGHT;
  const x = (slot: number) => (slots > 1 ? (slot / (slots - 1)) * WIDTH : 0);
  const span = step * slots;
  const label = (at: number) => (span > 2 * A_DAY ? dateTime(at).slice(5, 10) : clockTime(at).slice(0, 5));
  return (
    <figure class="plot" aria-labelledby={id}>
      <figcaption id={id}>
        <b>{title}</b> <span class="dim">{sub}</span>
        {now !== undefined && <strong class="plot-now">{now}</strong>}
      </figcaption>
      <div class="plot-room">
        {gapsOf(lines).map(([from, to]) => (
          <span key={from} class="plot-gap" title={t.noData} style={{ left: `${x(from) / 10}%`, width: `${(x(to) - x(from)) / 10}%` }}>
            <span class="offscreen">{t.noData}</span>
          </span>
        ))}
        {[1, 0.5, 0].map((part) => (
          <span key={part} class="plot-y" style={{ top: `${100 - part * 100}%` }}>
            {compact(top * part)}
          </span>
        ))}
        <svg class="plot-canvas" viewBox={`0 0 ${WIDTH} ${HEIGHT}`} preserveAspectRatio="none" aria-hidden="true">
          <path class="plot-grid" d={`M0 0H${WIDTH}M0 ${HEIGHT / 2}H${WIDTH}`} />
          <path class="plot-base" d={`M0 ${HEIGHT}H${WIDTH}`} />
          {lines.map(({ label: name, color, values, filled }) => (
            <g key={name} style={{ color: `var(${color})` }}>
              {filled && <path class="plot-area" d={areaOf(values, x, y)} />}
              <path class="plot-line" d={lineOf(values, x, y)} />
            </g>
          ))}
          {limit && <path class="plot-limit" d={`M0 ${y(limit.value)}H${WIDTH}`} />}
        </svg>
        {limit && (
          <span class="plot-limit-label" style={{ top: `${y(limit.value)}%` }}>
            {limit.label}
          </span>
        )}
        {marks
          .filter(({ at }) => at >= since && at <= since + span)
          .map(({ at, label: name }) => (
            <i key={at} class="plot-mark" style={{ left: `${((at - since) / span) * 100}%` }} title={name} />
          ))}
        {[0, 0.25, 0.5, 0.75, 1].map((part) => (
          <span key={part} class="plot-x" style={{ left: `${part * 100}%` }}>
            {label(since + part * span)}
          </span>
        ))}
      </div>
      <p class="plot-legend">
        {lines.map(({ label: name, color }) => (
          <span key={name}>
            <i style={{ background: `var(${color})` }} />
            {name}
          </span>
        ))}
      </p>
    </figure>
  );
}

/** A small picture of the same kind beside a number: no axes. */
export function SparkLine({ values, color }: { values: Array<number | null>; color: string }) {
  const top = Math.max(1, ...values.map((value) => value ?? 0));
  const x = (slot: number) => (values.length > 1 ? (slot / (values.length - 1)) * WIDTH : 0);
  const y = (value: number) => HEIGHT - 4 - (value / top) * (HEIGHT - 8);
  return (
    <svg class="spark-line" viewBox={`0 0 ${WIDTH} ${HEIGHT}`} preserveAspectRatio="none" aria-hidden="true" style={{ color: `var(${color})` }}>
      <path class="plot-area" d={areaOf(values, x, y)} />
      <path class="plot-line" d={lineOf(values, x, y)} />
    </svg>
  );
}

type Scale = (value: number) => number;

function lineOf(values: Array<number | null>, x: Scale, y: Scale): string {
  let pen = 'M';
  return values
    .map((value, slot) => {
      if (value === null) {
        pen = 'M';
        return '';
      }
      const at = `${x(slot).toFixed(1)} ${y(value).toFixed(1)}`;
      // A value between two gaps is a dot: a line of no length with round ends.
      const point = pen === 'M' ? `M${at}h.01` : `L${at}`;
      pen = 'L';
      return point;
    })
    .join('');
}

/** One shape for each stretch without a gap. */
function areaOf(values: Array<number | null>, x: Scale, y: Scale): string {
  return stretches(values, (value) => value !== null)
    .map(([from, to]) => {
      const tops = values.slice(from, to + 1).map((value, at) => `L${x(from + at).toFixed(1)} ${y(value ?? 0).toFixed(1)}`);
      return `M${x(from).toFixed(1)} ${HEIGHT}${tops.join('')}L${x(to).toFixed(1)} ${HEIGHT}Z`;
    })
    .join('');
}

/** Between which slots nothing is known: from the last value before to the first one after. */
function gapsOf(lines: PlotLine[]): Array<[from: number, to: number]> {
  const slots = Math.max(0, ...lines.map(({ values }) => values.length));
  const unknown = Array.from({ length: slots }, (_, slot) => lines.every(({ values }) => (values[slot] ?? null) === null));
  return stretches(unknown, Boolean).map(([from, to]) => [Math.max(0, from - 1), Math.min(slots - 1, to + 1)]);
}

function stretches<T>(values: T[], wanted: (value: T) => boolean): Array<[from: number, to: number]> {
  const found: Array<[number, number]> = [];
  for (const [slot, value] of values.entries()) {
    const last = found.at(-1);
    if (!wanted(value)) continue;
    if (last && last[1] === slot - 1) last[1] = slot;
    else found.push([slot, slot]);
  }
  return found;
}

/** The next of 1, 2, 5 times a power of ten; 1 for nothing. */
function niceTop(highest: number): number {
  if (highest <= 0) return 1;
  const power = 10 ** Math.floor(Math.log10(highest));
  return power * ([1, 2, 5, 10].find((each) => each * power >= highest) ?? 10);
}
