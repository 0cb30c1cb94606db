import { useState } from 'preact/hooks';
import { getJson } from '../../api/client';
import { CopyButton } from '../../components/copy-button';
import { Icon } from '../../components/icon';
import { dateTimeMs, utc, zoneOffset } from '../../format';
import { pathTo } from '../../paths';
import { ContextView } from './context-view';
import { rawText } from './line-text';
import { fieldNamed } from './query-text';
import { StackView } from './stack-view';
import { useTexts } from './texts';
import type { Context, Line } from '../../api.gen';

export interface LineActions {
  /** Narrow the search to lines with this value, or to lines without it. */
  include: (field: string, value: string) => void;
  exclude: (field: string, value: string) => void;
  /** The address that shows this line to somebody else. */
  linkTo: (line: Line) => string;
}

/** All that is known of a line. */
export function LineDetail({ line: shown, pattern, actions }: { line: Line; pattern: RegExp | null; actions: LineActions }) {
  const t = useTexts();
  const [whole, setWhole] = useState<Line>();
  const line = whole ?? shown;
  const readWhole = () =>
    void getJson<Context>(`/api/logs/context?id=${encodeURIComponent(shown.id)}&before=0&after=0`).then(
      ({ lines }) => setWhole(lines.find(({ id }) => id === shown.id)),
      () => undefined, // the button stays, to be tried again
    );
  const [context, setContext] = useState(false);
  return (
    <div class="line-detail" data-testid="line-detail">
      <div class="line-tools">
        <button type="button" class="quiet" aria-pressed={context} data-testid="context-toggle" onClick={() => setContext(!context)}>
          <Icon name="lines" />
          {t.detail.context}
        </button>
        {line.logid && (
          <a class="quiet" href={pathTo('chain', { logid: line.logid })} data-testid="line-chain">
            <Icon name="chain" />
            {t.detail.chain}
          </a>
        )}
        <CopyButton text={() => rawText(line)} label={t.detail.copyLine} />
        <CopyButton text={() => actions.linkTo(line)} label={t.detail.copyLink} />
      </div>
      {shown.cut && !whole && (
        <p class="cut mild-text">
          {t.detail.cut}{' '}
          <button type="button" class="link" onClick={readWhole}>
            {t.detail.readWhole}
          </button>
        </p>
      )}
      {whole && <pre class="line-message">{whole.message}</pre>}
      {context && <ContextView line={line} pattern={pattern} />}
      {line.stack.trim() && <StackView stack={line.stack} pattern={pattern} />}
      <FieldTable line={line} actions={actions} />
    </div>
  );
}

function FieldTable({ line, actions }: { line: Line; actions: LineActions }) {
  const t = useTexts().detail;
  const known: Array<[string, string]> = [
    ['level', line.level],
    ['psm', line.psm],
    ['cluster', line.cluster],
    ['host', line.host],
    ['folder', line.folder],
    ['file', line.file],
    ['line', String(line.line || '')],
    ['process', String(line.process || '')],
    ['thread', String(line.thread || '')],
    ['logid', line.logid],
    ['span', line.span_id],
  ];
  const rows = [
    ...known.map(([name, value]) => ({ name, value, field: name as string | null })),
    ...Object.entries(line.fields ?? {}).map(([name, value]) => ({ name, value, field: fieldNamed(name) })),
  ].filter(({ value }) => value !== '');
  return (
    <table class="field-table">
      <tbody>
        <tr>
          <td />
          <th scope="row">{t.time}</th>
          <td title={utc(line.ts)}>
            {dateTimeMs(line.ts)} <span class="dim">{zoneOffset(line.ts)}</span>
          </td>
        </tr>
        {rows.map(({ name, value, field }) => (
          <tr key={field ?? ` ${name}`} data-field={field}>
            <td class="field-acts">
              {field && (
                <>
                  <button type="button" title={t.include(field)} aria-label={t.include(field)} onClick={() => actions.include(field, value)}>
                    <Icon name="plus" />
                  </button>
                  <button type="button" title={t.exclude(field)} aria-label={t.exclude(field)} onClick={() => actions.exclude(field, value)}>
                    <Icon name="minus" />
                  </button>
                </>
              )}
            </td>
            <th scope="row">{name}</th>
            <td>{value}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
