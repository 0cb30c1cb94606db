import type { Chain } from '../../api.gen';
import type { Item, Tree } from './tree';

/** Times are milliseconds from the chain's start, as the hosts reported them. */
export interface Span {
  from: number;
  to: number;
}

export interface Axis extends Span {
  ticks: number[];
}

/** The servers' own time, if its side was logged. */
export function serverSpan({ node }: Item): Span | null {
  return node && { from: node.offset_ms, to: node.offset_ms + node.duration_ms };
}

/** The time the caller waited, if the caller's side was logged. */
export function clientSpan({ call }: Item): Span | null {
  return call && { from: call.offset_ms, to: call.offset_ms + call.duration_ms };
}

const MAX_TICKS = 8;

/** From the chain's start to its end, by its own reckoning. */
export function ownSpan({ total_ms }: Chain): Span {
  return { from: 0, to: Math.max(total_ms, 0.001) };
}

/** A time that covers every bar, wherever it claims to be. */
export function wholeSpan(chain: Chain, { items }: Tree): Span {
  let { from, to } = ownSpan(chain);
  for (const item of items) {
    for (const span of [serverSpan(item), clientSpan(item)]) {
      if (!span) continue;
      from = Math.min(from, span.from);
      to = Math.max(to, span.to);
    }
  }
  return { from, to };
}

/** An axis over a time, with ticks at round times. */
export function axisOf({ from, to }: Span): Axis {
  return { from, to, ticks: ticksOf(from, to) };
}

/** The part of a time that is on the axis. */
export function onAxis(axis: Axis, span: Span): Span | null {
  if (span.to < axis.from || span.from > axis.to) return null;
  return { from: Math.max(span.from, axis.from), to: Math.min(span.to, axis.to) };
}

/** Where a time stands on the axis, in percent. */
export function percentAt(axis: Axis, time: number): number {
  return (100 * (time - axis.from)) / (axis.to - axis.from);
}

function ticksOf(from: number, to: number): number[] {
  const rough = (to - from) / MAX_TICKS;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((candidate) => candidate >= rough) ?? rough;
  const ticks = [];
  for (let n = Math.ceil(from / step); n * step <= to; n++) ticks.push(n * step);
  return ticks;
}
