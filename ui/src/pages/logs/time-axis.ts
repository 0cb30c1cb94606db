import { clockTime, dateTime } from '../../format';
import type { Span } from './search-url';

export interface Tick {
  /** Seconds. */
  at: number;
  /** Share of the axis, 0 to 1. */
  share: number;
  label: string;
}

const DAY = 86400;
const STEPS = [0.001, 0.01, 0.1, 1, 5, 15, 30, 60, 300, 600, 900, 1800, 3600, 3 * 3600, 6 * 3600, 12 * 3600, DAY, 2 * DAY, 5 * DAY];

/** At most `most` ticks, at times that are round in the reader's zone. */
export function ticksOf({ since, until }: Span, most: number): Tick[] {
  const length = until - since;
  const step = STEPS.find((each) => length / each <= most) ?? length;
  const zone = new Date(since * 1000).getTimezoneOffset() * 60;
  const ticks: Tick[] = [];
  for (let n = Math.ceil((since - zone) / step); n * step + zone <= until; n += 1) {
    const at = n * step + zone;
    ticks.push({ at, share: (at - since) / length, label: labelOf(at, step) });
  }
  return ticks;
}

function labelOf(at: number, step: number): string {
  const time = clockTime(at);
  if (step >= DAY || (step >= 3600 && time === '00:00:00')) return dateTime(at).slice(5, 10);
  if (step >= 60) return time.slice(0, 5);
  return step >= 1 ? time : `${time}${(((at % 1) + 1) % 1).toFixed(3).slice(1)}`;
}

/** A moment as an axis of this length needs it: with the day when it spans more than one. */
export function crossesDays({ since, until }: Span): boolean {
  return dateTime(since).slice(0, 10) !== dateTime(until).slice(0, 10);
}
