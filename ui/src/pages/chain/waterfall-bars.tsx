import { duration, offset } from '../../format';
import { type Axis, clientSpan, onAxis, percentAt, serverSpan, type Span } from './timeline';
import { isFailed, type Item } from './tree';

export const ROW_HEIGHT = 28;

const CLIENT_TOP = 6;
const CLIENT_HEIGHT = 16;
const SERVER_TOP = 9;
const SERVER_HEIGHT = 10;
const CRITICAL_TOP = 23.5;
/** In percent: the shortest call is still a visible bar. */
const THINNEST = 0.18;
interface Props {
  item: Item;
  axis: Axis;
  top: number;
  hue: string;
  critical: Span[];
}

/** One row: the caller's wait as a pale bar, the server's time as a solid one inside it. */
export function Bars({ item, axis, top, hue, critical }: Props) {
  const served = serverSpan(item);
  const waited = clientSpan(item);
  const shown = served ?? waited;
  const servedPart = served && onAxis(axis, served);
  const waitedPart = waited && onAxis(axis, waited);
  const parts = [servedPart, waitedPart].filter((part) => part !== null);
  const begin = Math.min(100, ...parts.map((part) => percentAt(axis, part.from)));
  const end = Math.max(0, ...parts.map((part) => percentAt(axis, part.to)));
  const flagged = (item.node?.flags.length ?? 0) > 0;
  return (
    <>
      <rect class="wf-hit" x="0" y={top} width="100%" height={ROW_HEIGHT} />
      {waitedPart && (
        <rect class={`wf-client ${hue}${served ? '' : ' wf-unlogged'}`} {...box(axis, waitedPart)} y={top + CLIENT_TOP} height={CLIENT_HEIGHT} rx={2} />
      )}
      {servedPart && (
        <rect class={`wf-server ${hue}${flagged ? ' wf-skewed' : ''}`} {...box(axis, servedPart)} y={top + SERVER_TOP} height={SERVER_HEIGHT} rx={2} />
      )}
      {critical.map((piece) => {
        const part = onAxis(axis, piece);
        return part && <rect key={piece.from} class="wf-critical" {...box(axis, part)} y={top + CRITICAL_TOP} height={2.5} />;
      })}
      {isFailed(item) && <ErrorMark x={begin} y={top + ROW_HEIGHT / 2} />}
      {shown && (
        <text class={`wf-time${onAxis(axis, shown) ? '' : ' wf-away'}`} x={`${end}%`} dx={6} y={top + 18}>
          {timeText(axis, shown)}
        </text>
      )}
    </>
  );
}

/** How long it took; of a bar beyond the axis also where it is. */
function timeText(axis: Axis, span: Span): string {
  const time = duration(span.to - span.from);
  if (span.to < axis.from) return `◂ ${time} @ ${offset(span.from)}`;
  return span.from > axis.to ? `${time} @ ${offset(span.from)} ▸` : time;
}

/** A red disc with a cross, just before the bar. */
function ErrorMark({ x, y }: { x: number; y: number }) {
  return (
    <svg class="wf-error" x={`${x}%`} y={y} overflow="visible">
      <circle cx={-8} r={5.5} />
      <path d="M-10-2l4 4M-6-2l-4 4" />
    </svg>
  );
}

function box(axis: Axis, span: Span): { x: string; width: string } {
  const from = percentAt(axis, span.from);
  const width = Math.max(percentAt(axis, span.to) - from, THINNEST);
  return { x: `${Math.min(from, 100 - THINNEST)}%`, width: `${width}%` };
}
