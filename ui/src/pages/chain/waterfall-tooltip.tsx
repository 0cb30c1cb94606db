import { Status } from '../../components/outcome';
import { duration, offset } from '../../format';
import { flagLabel, isContradiction } from './flags';
import { useTexts } from './texts';
import { clientSpan, serverSpan, type Span } from './timeline';
import type { Item } from './tree';

/** The row in question, and where on the screen to show its details. */
export interface Anchor {
  item: Item;
  x: number;
  y: number;
}

const WIDTH = 300;
const GAP = 14;

export function Tooltip({ anchor }: { anchor: Anchor }) {
  const t = useTexts();
  const { item, x, y } = anchor;
  const record = item.node ?? item.call;
  if (!record) return null;
  const served = serverSpan(item);
  const waited = clientSpan(item);
  const left = Math.max(8, Math.min(x + GAP, document.documentElement.clientWidth - WIDTH - 8));
  const above = y > window.innerHeight - 200;
  return (
    <div
      class={`tooltip${above ? ' tooltip-above' : ''}`}
      role="tooltip"
      style={{ left: `${left}px`, top: `${above ? y - GAP : y + GAP}px`, width: `${WIDTH}px` }}
    >
      <strong>{item.node?.psm ?? item.call?.callee}</strong>
      <span class="mono">{record.method}</span>
      <Status status={record.status} outcome={record.outcome} code={record.code} />
      <dl>
        {served && <Line name={t.waterfall.server} span={served} />}
        {waited && <Line name={t.waterfall.client} span={waited} />}
      </dl>
      {record.message && <p>{record.message}</p>}
      {record.flags.map((flag) => (
        <p key={flag} class={isContradiction(flag) ? 'mild-text' : 'dim'}>
          {flagLabel(t, flag)}
        </p>
      ))}
    </div>
  );
}

function Line({ name, span }: { name: string; span: Span }) {
  return (
    <>
      <dt>{name}</dt>
      <dd>
        {duration(span.to - span.from)} <small>{offset(span.from)}</small>
      </dd>
    </>
  );
}
