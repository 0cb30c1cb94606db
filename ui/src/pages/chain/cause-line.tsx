import { useQuery } from '../../api/query';
import type { Chain, LogLine, LogLines } from '../../api.gen';
import { Icon } from '../../components/icon';
import { Status } from '../../components/outcome';
import { ServiceLink } from '../../components/service-link';
import { withQuery } from '../../urlstate';
import { type Cause, causeOf, repeats } from './cause';
import { useTexts } from './texts';
import type { ChainView } from './use-chain-view';

const LIMIT = 500;

/** One line on top of a failed chain: who failed first, why, and what was logged there. */
export function CauseLine({ chain, view }: { chain: Chain; view: ChainView }) {
  const cause = causeOf(view.tree);
  return cause ? <Explained chain={chain} view={view} cause={cause} /> : null;
}

function Explained({ chain, view, cause }: { chain: Chain; view: ChainView; cause: Cause }) {
  const t = useTexts().cause;
  const { item, record, fatal } = cause;
  const { node, call } = item;
  const span = node?.span_id;
  return (
    <p class={fatal ? 'cause' : 'cause cause-mild'} data-testid="chain-cause">
      <Icon name="warning" />
      <span>
        <strong>{fatal ? t.fatal : t.survived}</strong>{' '}
        <button type="button" class="finding-row" onClick={() => view.select(item.key)}>
          {node ? `#${node.no}` : '−1'}
        </button>{' '}
        <ServiceLink psm={node?.psm ?? call?.callee ?? ''} /> <span class="mono">{record.method}</span>{' '}
        <Status status={record.status} outcome={record.outcome} code={record.code} />
        {record.message && <span class="cause-message">{record.message}</span>}
        {span && <Logged logid={chain.logid} span={span} itemKey={item.key} message={record.message} view={view} />}
      </span>
    </p>
  );
}

/** The last line of level ERROR that the failed call logged. */
function Logged({ logid, span, itemKey, message, view }: { logid: string; span: string; itemKey: string; message: string; view: ChainView }) {
  const t = useTexts().cause;
  const query = useQuery<LogLines>(withQuery(`/api/chains/${encodeURIComponent(logid)}/logs`, { span_id: span, limit: String(LIMIT) }), () => null);
  const line = query.data?.lines.findLast(({ level }) => level === 'ERROR' || level === 'FATAL' || level === 'CRITICAL');
  if (!line) return null;
  const text = shortly(line);
  const where = raisedAt(line);
  return (
    <span class="cause-line">
      {t.logged} <span class="mono" title={where}>{where.split('/').at(-1)}</span>
      {!repeats(message, text) && <span class="mono"> {text}</span>}{' '}
      <button type="button" class="link" onClick={() => view.openLog !== itemKey && view.toggleLog(itemKey)}>
        {t.show}
      </button>
    </span>
  );
}

/** File and line of the innermost frame of its stack, else of the line itself. */
function raisedAt({ file, line, stack }: LogLine): string {
  const frame = [...stack.matchAll(/^\s*File "([^"]+)", line (\d+)/gm)].at(-1);
  return frame ? `${frame[1]}:${frame[2]}` : `${file}:${line}`;
}

/** The exception if there is one, else the message; one line of it. */
function shortly({ message, stack }: LogLine): string {
  return stack.trimEnd().split('\n').at(-1) || message.split('\n')[0] || '';
}
