import { useState } from 'preact/hooks';
import { useQuery } from '../../api/query';
import type { ChainNode, LogLine, LogLines } from '../../api.gen';
import { Icon } from '../../components/icon';
import { Trouble } from '../../components/trouble';
import { clockTimeMs, dateTimeMs } from '../../format';
import { useMessages } from '../../i18n';
import { withQuery } from '../../urlstate';
import { useTexts } from './texts';

const SCOPES = ['node', 'service', 'chain'] as const;
type Scope = (typeof SCOPES)[number];

const LIMIT = 500;

/** The lines a node logged for this chain. */
export function NodeLog({ logid, node, onClose }: { logid: string; node: ChainNode; onClose: () => void }) {
  const t = useTexts();
  const common = useMessages();
  // A script has no span of its own; its lines are found by its name.
  const scopes = node.span_id ? SCOPES : SCOPES.slice(1);
  const [scope, setScope] = useState<Scope>(scopes[0] ?? 'chain');
  const filter: Record<Scope, { span_id?: string; psm?: string }> = {
    node: { span_id: node.span_id },
    service: { psm: node.psm },
    chain: {},
  };
  const query = useQuery<LogLines>(withQuery(`/api/chains/${encodeURIComponent(logid)}/logs`, { ...filter[scope], limit: String(LIMIT) }), () => null);
  const { data } = query;
  return (
    <div class="log under" role="region" aria-label={t.logs.title(node.psm)}>
      <header class="log-head">
        <strong>{t.logs.title(node.psm)}</strong>
        <div class="segments" role="group" aria-label={t.logs.scope}>
          {scopes.map((choice) => (
            <button key={choice} type="button" aria-pressed={scope === choice} onClick={() => setScope(choice)}>
              {t.logs.scopes[choice]}
            </button>
          ))}
        </div>
        <span class="dim">{data && t.logs.lines(data.lines.length)}</span>
        <button type="button" class="tool" aria-label={t.logs.close} title={t.logs.close} onClick={onClose}>
          <Icon name="close" />
        </button>
      </header>
      <Trouble query={query} retrying={false} />
      <div class="log-lines" tabIndex={0} aria-busy={query.pending}>
        {query.pending && <p class="dim">{common.loading}</p>}
        {data?.lines.length === 0 && <p class="dim">{t.logs.empty}</p>}
        {data?.lines.map((line, index) => <Line key={index} line={line} named={scope === 'chain'} />)}
      </div>
      {data?.truncated && <p class="mild-text">{t.logs.truncated(data.lines.length)}</p>}
    </div>
  );
}

function Line({ line, named }: { line: LogLine; named: boolean }) {
  const t = useTexts();
  const stack = line.stack.trimEnd();
  return (
    <div class={`log-line level-${line.level.toLowerCase()}`} data-testid="log-line">
      <span class="log-level">{line.level}</span>
      <time title={dateTimeMs(line.ts)}>{clockTimeMs(line.ts)}</time>
      <div class="log-text">
        {named && <span class="log-psm">{line.psm}</span>}
        <span>{line.message}</span>
        <span class="log-where" title={`${line.file}:${line.line} · ${line.host} · ${line.folder}`}>
          {line.file.split('/').at(-1)}:{line.line}
        </span>
        {stack && (
          <details>
            <summary>{t.logs.stack(stack.split('\n').length)}</summary>
            <pre>{stack}</pre>
          </details>
        )}
      </div>
    </div>
  );
}
