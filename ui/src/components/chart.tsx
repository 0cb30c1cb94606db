import { useEffect, useRef } from 'preact/hooks';
import type uPlot from 'uplot';
import { clockTime, compact, dateTime } from '../format';
import { language, theme } from '../preferences';
import { useStore } from '../store';
import { colorOf, hatch, type Mark, markLane } from './chart-ink';

export interface Line {
  label: string;
  /** The token of its colour, e.g. `--accent`. */
  color: string;
  values: Array<number | null>;
  /** Fills the area below. */
  filled?: boolean;
  thin?: boolean;
  /** What it is compared with: drawn as dashes. */
  past?: boolean;
}

interface Props {
  title: string;
  /** The unit, and of what. */
  sub: string;
  /** The value now, at the right of the title. */
  now: string;
  /** Unix seconds, one for each value. */
  times: number[];
  /** Of which of them nothing is known. */
  unknown: boolean[];
  lines: Line[];
  marks: Mark[];
  timeLabel: string;
  /** Writes a value, in the legend and at the axis. */
  write: (value: number) => string;
  /** Charts with the same key share their cursor. */
  group: string;
  onZoom: (since: number, until: number) => void;
}

const HEIGHT = 160;
const A_DAY = 86_400;
const LANE = 14;
const SHORTEST_DRAG = 8;

/** Lines over time, drawn by uPlot, which is fetched when the first chart is. Dragging chooses a range. */
export function Chart(props: Props) {
  const { title, sub, now, times, lines, unknown, marks } = props;
  const holder = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const latest = useRef(props);
  latest.current = props;
  const look = [useStore(theme), useStore(language), useDark(), lines.map(({ label }) => label).join()].join(' ');

  useEffect(() => {
    const box = holder.current;
    if (!box) return undefined;
    let gone = false;
    const observer = new ResizeObserver(() => plot.current?.setSize({ width: box.clientWidth, height: HEIGHT }));
    void import('uplot').then(({ default: Plot }) => {
      if (gone) return;
      plot.current = new Plot(optionsOf(box, latest), dataOf(latest.current), box);
      observer.observe(box);
    });
    return () => {
      gone = true;
      observer.disconnect();
      plot.current?.destroy();
      plot.current = null;
    };
  }, [look]);
  useEffect(() => plot.current?.setData(dataOf(latest.current)), [times, lines, unknown, marks]);
  return (
    <figure class="chart">
      <figcaption>
        <b>{title}</b> <span class="dim">{sub}</span>
        <strong class="plot-now">{now}</strong>
      </figcaption>
      <div ref={holder} class="chart-canvas" />
    </figure>
  );
}

function dataOf({ times, lines }: Props): uPlot.AlignedData {
  return [times, ...lines.map(({ values }) => values)];
}

function optionsOf(box: HTMLElement, latest: { current: Props }): uPlot.Options {
  const { lines, timeLabel, group, write } = latest.current;
  const text = colorOf(box, '--text-dim');
  const grid = { stroke: colorOf(box, '--grid'), width: 1 };
  const font = `11px ${getComputedStyle(box).fontFamily}`;
  return {
    width: box.clientWidth,
    height: HEIGHT,
    padding: [LANE + 4, 8, 0, 0],
    scales: { x: { time: true }, y: { range: (_, __, high) => [0, high > 0 ? high * 1.1 : 1] } },
    cursor: { y: false, sync: { key: group }, drag: { x: true, y: false, setScale: false, dist: SHORTEST_DRAG }, points: { size: 6 } },
    legend: { live: true },
    axes: [
      { stroke: text, grid: { show: false }, ticks: grid, font, size: 28, space: 70, values: (u, ticks) => ticks.map((tick) => timeText(u, tick)) },
      { stroke: text, grid, ticks: { show: false }, font, size: 52, values: (_, ticks) => ticks.map(write) },
    ],
    hooks: {
      drawClear: [(u) => hatch(u, latest.current.unknown, colorOf(box, '--line-strong'))],
      draw: [(u) => markLane(u, latest.current.marks, colorOf(box, '--text-soft'), LANE)],
      setSelect: [
        (u) => {
          const { left, width } = u.select;
          if (width < SHORTEST_DRAG) return;
          u.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
          latest.current.onZoom(u.posToVal(left, 'x'), u.posToVal(left + width, 'x'));
        },
      ],
    },
    series: [
      { label: timeLabel, value: (_, at) => (at === null ? '' : at < Date.now() / 1000 - A_DAY / 2 ? dateTime(at) : clockTime(at)) },
      ...lines.map(({ label, color, filled, thin, past }): uPlot.Series => {
        const stroke = colorOf(box, color);
        return {
          label,
          stroke,
          width: thin ? 1 : 1.5,
          ...(past ? { dash: [4, 3] } : {}),
          ...(filled ? { fill: stroke.replace(/^rgb\((.*)\)$/, 'rgba($1, 0.12)') } : {}),
          points: { size: 4 },
          // Without a cursor there is nothing to say; under it, a gap is one.
          value: (_, value, __, at) => (at === null ? '' : value === null ? '–' : write(value)),
        };
      }),
    ],
  };
}

function timeText(u: uPlot, tick: number): string {
  const { min = 0, max = 0 } = u.scales.x ?? {};
  return (max ?? 0) - (min ?? 0) > 2 * A_DAY ? dateTime(tick).slice(5, 10) : clockTime(tick).slice(0, 5);
}

/** A number at an axis: without zeros behind the point. */
export function plain(value: number): string {
  return value < 100 ? String(Number(value.toFixed(3))) : compact(value);
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
