import type uPlot from 'uplot';
import { CHANGE_SHAPES } from './change-shapes';

/** A moment at which something changed. */
export interface Mark {
  at: number;
  kind: string;
}

const HATCH_EVERY = 6;

/** Hatches the stretches of which nothing is known: a gap is no zero. */
export function hatch(u: uPlot, unknown: boolean[], color: string): void {
  const times = u.data[0];
  const { ctx, bbox } = u;
  const at = (slot: number) => u.valToPos(times[slot] ?? 0, 'x', true);
  ctx.save();
  ctx.beginPath();
  for (let slot = 0; slot < unknown.length; slot++) {
    if (!unknown[slot]) continue;
    const from = at(Math.max(0, slot - 1));
    while (unknown[slot + 1]) slot++;
    ctx.rect(from, bbox.top, at(Math.min(times.length - 1, slot + 1)) - from, bbox.height);
  }
  ctx.clip();
  ctx.beginPath();
  const step = HATCH_EVERY * devicePixelRatio;
  for (let x = bbox.left - bbox.height; x < bbox.left + bbox.width; x += step) {
    ctx.moveTo(x, bbox.top + bbox.height);
    ctx.lineTo(x + bbox.height, bbox.top);
  }
  ctx.globalAlpha = 0.35;
  ctx.strokeStyle = color;
  ctx.lineWidth = 1;
  ctx.stroke();
  ctx.restore();
}

/** Above the plot, a shape for each change, and a dashed line down from it. */
export function markLane(u: uPlot, marks: Mark[], color: string, height: number): void {
  const { ctx, bbox } = u;
  const ratio = devicePixelRatio;
  const { min, max } = u.scales.x ?? {};
  ctx.save();
  ctx.fillStyle = color;
  ctx.strokeStyle = color;
  for (const { at, kind } of marks) {
    if (min == null || max == null || at < min || at > max) continue;
    const x = u.valToPos(at, 'x', true);
    ctx.globalAlpha = 0.6;
    ctx.setLineDash([3 * ratio, 3 * ratio]);
    ctx.beginPath();
    ctx.moveTo(x, bbox.top);
    ctx.lineTo(x, bbox.top + bbox.height);
    ctx.stroke();
    ctx.globalAlpha = 1;
    ctx.setLineDash([]);
    ctx.save();
    ctx.translate(x - 5 * ratio, bbox.top - height * ratio);
    ctx.scale((10 / 12) * ratio, (10 / 12) * ratio);
    ctx.fill(new Path2D(CHANGE_SHAPES[kind] ?? CHANGE_SHAPES.other));
    ctx.restore();
  }
  ctx.restore();
}

/** The canvas needs a colour as it is, not as a token that light and dark resolve differently. */
export function colorOf(box: HTMLElement, token: string): string {
  const probe = document.createElement('i');
  probe.style.color = `var(${token})`;
  box.append(probe);
  const { color } = getComputedStyle(probe);
  probe.remove();
  return color;
}
