import { useEffect, useRef } from 'preact/hooks';
import type uPlot from 'uplot';
import { clockTime, compact, dateTime } from '../format';
import { language, theme } from '../preferences';
import { useStore } from '../store';

export interface Line {
  label: string;
  /** The token of its colour, e.g. `--accent`. */
  color: string;
  values: Array<number | null>;
  /** Fills the area below. */
  filled?: boolean;
}

interface Props {
  title: string;
  /** Unix seconds, one for each value. */
  times: number[];
  lines: Line[];
  timeLabel: string;
  /** Charts with the same key share their cursor. */
  group: string;
}

const HEIGHT = 170;
const A_DAY = 86_400;

/** Lines over time, drawn by uPlot, which is fetched when the first chart is. */
export function Chart({ title, times, lines, timeLabel, group }: Props) {
  const holder = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const data = useRef<uPlot.AlignedData>([[]]);
  data.current = [times, ...lines.map(({ values }) => values)];
  const look = [useStore(theme), useStore(language), useDark(), lines.map(({ label }) => label).join()].join(' ');

  useEffect(() => {
    const box = holder.current;
    if (!box) return undefined;
    let gone = false;
    const observer = new ResizeObserver(() => plot.current?.setSize({ width: box.clientWidth, height: HEIGHT }));
    void import('uplot').then(({ default: Plot }) => {
      if (gone) return;
      plot.current = new Plot(optionsOf(box, lines, timeLabel, group), data.current, box);
      observer.observe(box);
    });
    return () => {
      gone = true;
      observer.disconnect();
      plot.current?.destroy();
      plot.current = null;
    };
  }, [look]);
  useEffect(() => plot.current?.setData(data.current), [times, lines]);
  return (
    <figure class="chart">
      <figcaption>{title}</figcaption>
      <div ref={holder} class="chart-canvas" />
    </figure>
  );
}

function optionsOf(box: HTMLElement, lines: Line[], timeLabel: string, group: string): uPlot.Options {
  const text = colorOf(box, '--text-dim');
  const grid = { stroke: colorOf(box, '--line'), width: 1 };
  const font = `11px ${getComputedStyle(box).fontFamily}`;
  return {
    width: box.clientWidth,
    height: HEIGHT,
    padding: [8, 8, 0, 0],
    scales: { x: { time: true }, y: { range: (_, __, high) => [0, high > 0 ? high * 1.1 : 1] } },
    cursor: { y: false, sync: { key: group }, drag: { x: false, y: false }, points: { size: 6 } },
    legend: { live: true },
    axes: [
      { stroke: text, grid: { show: false }, ticks: grid, font, size: 28, space: 70, values: (_, ticks) => ticks.map((tick) => clockTime(tick).slice(0, 5)) },
      { stroke: text, grid, ticks: { show: false }, font, size: 46, values: (_, ticks) => ticks.map((tick) => (tick < 100 ? String(Number(tick.toFixed(3))) : compact(tick))) },
    ],
    series: [
      { label: timeLabel, value: (_, at) => (at === null ? '' : at < Date.now() / 1000 - A_DAY / 2 ? dateTime(at) : clockTime(at)) },
      ...lines.map(({ label, color, filled }): uPlot.Series => {
        const stroke = colorOf(box, color);
        return {
          label,
          stroke,
          width: 1.5,
          ...(filled ? { fill: stroke.replace(/^rgb\((.*)\)$/, 'rgba($1, 0.12)') } : {}),
          points: { size: 4 },
          // Without a cursor there is nothing to say; under it, a gap is one.
          value: (_, value, __, at) => (at === null ? '' : value === null ? '–' : compact(value)),
        };
      }),
    ],
  };
}

/** The canvas needs a colour as it is, not as a token that light and dark resolve differently. */
function colorOf(box: HTMLElement, token: string): string {
  const probe = document.createElement('i');
  probe.style.color = `var(${token})`;
  box.append(probe);
  const { color } = getComputedStyle(probe);
  probe.remove();
  return color;
}

/** Whether the system asks for dark: what the theme `auto` follows. */
function useDark(): boolean {
  return useStore(dark);
}

const preference = matchMedia('(prefers-color-scheme: dark)');
const dark = {
  get: () => preference.matches,
  set: () => undefined,
  subscribe(listener: () => void) {
    preference.addEventListener('change', listener);
    return () => preference.removeEventListener('change', listener);
  },
};
