import type { ChainNode } from '../../api.gen';
import { BreakableName } from '../../components/breakable-name';
import { Icon } from '../../components/icon';
import { Status } from '../../components/outcome';
import { ServiceLink } from '../../components/service-link';
import { clockTimeMs, compact, dateTimeMs, offset, utc } from '../../format';
import { useMessages } from '../../i18n';
import { FlagMark } from './flag-mark';
import { Indent } from './indent';
import { useTexts } from './texts';
import { isFailed, type Item } from './tree';
import type { ChainView } from './use-chain-view';
import type { Texts } from './texts.en';

export const NODE_COLUMNS = 9;

interface Props {
  item: Item;
  view: ChainView;
  tabIndex: 0 | -1;
}

export function NodeRow({ item, node, view, tabIndex }: Props & { node: ChainNode }) {
  const t = useTexts();
  return (
    <tr {...rowProps(item, view, tabIndex)} data-testid="node-row" data-no={node.no} data-psm={node.psm}>
      <th scope="row">
        <Name item={item} view={view} psm={node.psm} />
        <AttemptMark item={item} />
        <small class="narrow-only mono">{node.method}</small>
      </th>
      <td class="num strong">{node.no}</td>
      <Start at={node.start} offsetMs={node.offset_ms} />
      <td class="num strong" title={`${node.duration_ms} ms`}>
        {compact(node.duration_ms)}
      </td>
      <td class="wide mono wraps">
        {node.method}
        {node.route && (
          <small>
            <BreakableName name={node.route} />
          </small>
        )}
      </td>
      <td class="extra mono">{node.ip}</td>
      <td class="extra">
        <span class={`chip kind-${node.kind}`}>{kindText(t, node.kind)}</span>
      </td>
      <td>
        <Status status={node.status} outcome={node.outcome} code={node.code} />
        <FlagMark flags={node.flags} />
      </td>
      <td>
        <button
          type="button"
          class="link"
          data-testid="view-log"
          aria-expanded={view.openLog === item.key}
          onClick={(event) => {
            event.stopPropagation();
            view.toggleLog(item.key);
          }}
        >
          {view.openLog === item.key ? t.logs.hide : t.logs.view}
        </button>
      </td>
    </tr>
  );
}

/** A callee that its caller knows of and that logged nothing itself. */
export function UnloggedRow({ item, view, tabIndex }: Props) {
  const t = useTexts();
  const common = useMessages();
  const { call } = item;
  if (!call) return null;
  return (
    <tr {...rowProps(item, view, tabIndex)} data-testid="unlogged-row" data-psm={call.callee} title={t.tree.notLoggedHint}>
      <th scope="row">
        <Name item={item} view={view} psm={call.callee} />
        <AttemptMark item={item} />
        <small class="narrow-only mono">{call.method}</small>
      </th>
      <td class="num">−1</td>
      <Start at={call.start} offsetMs={call.offset_ms} />
      <td class="num">{common.none}</td>
      <td class="wide mono wraps">{call.method}</td>
      <td class="extra mono">{call.peer || common.none}</td>
      <td class="extra">{common.none}</td>
      <td>
        {isFailed(item) ? (
          <Status status={call.status} outcome={call.outcome} code={call.code} />
        ) : (
          <span class="status tone-unsure">
            <i />
            {t.tree.notLogged}
          </span>
        )}
      </td>
      <td />
    </tr>
  );
}

function rowProps(item: Item, view: ChainView, tabIndex: 0 | -1) {
  const selected = view.selected === item.key;
  const classes = [item.node ? '' : 'unlogged', selected ? 'selected' : '', isFailed(item) ? 'failed' : ''];
  const folds = item.children.length > 0;
  return {
    'data-key': item.key,
    'aria-level': item.depth + 1,
    'aria-selected': selected,
    ...(folds && { 'aria-expanded': !view.isCollapsed(item.key) }),
    class: `pick ${classes.join(' ')}`.trim(),
    tabIndex,
    onClick: () => view.select(item.key),
  };
}

function Name({ item, view, psm }: { item: Item; view: ChainView; psm: string }) {
  const t = useTexts();
  const { key, children, below, failedBelow } = item;
  const collapsed = view.isCollapsed(key);
  return (
    <>
      <Indent depth={item.depth} />
      {children.length > 0 ? (
        <button
          type="button"
          class="fold"
          tabIndex={-1}
          aria-label={collapsed ? t.tree.expand : t.tree.collapse}
          aria-expanded={!collapsed}
          onClick={(event) => {
            event.stopPropagation();
            view.toggle(key);
          }}
        >
          <Icon name="chevron" />
        </button>
      ) : (
        <span class="fold" />
      )}
      <i class={`dot ${view.hues.get(psm) ?? ''}`} />
      <ServiceLink psm={psm} />
      {collapsed && <span class="folded">{t.tree.hidden(below, failedBelow)}</span>}
    </>
  );
}

function AttemptMark({ item }: { item: Item }) {
  const t = useTexts();
  const { call } = item;
  if (!call || call.attempt === 0) return null;
  return <span class="attempt">{t.table.attempt(call.attempt, call.attempts)}</span>;
}

/** When something began; `kind` says when its column goes. */
export function Start({ at, offsetMs, kind = 'wide' }: { at: number; offsetMs: number; kind?: 'wide' | 'extra' }) {
  return (
    <td class={`${kind} start`} title={`${dateTimeMs(at)}\n${utc(at)}`}>
      {clockTimeMs(at)} <small>{offset(offsetMs)}</small>
    </td>
  );
}

function kindText(t: Texts, kind: string): string {
  const known: Record<string, string> = t.kinds;
  return known[kind] ?? kind;
}
