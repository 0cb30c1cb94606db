import type { Chain } from '../../api.gen';
import { useKeepInView } from '../../components/use-keep-in-view';
import { useRowKeys } from '../../components/use-row-keys';
import { isPassedOn } from './cause';
import type { Rest } from './folding';
import { Indent } from './indent';
import { NodeLog } from './node-log';
import { NodeRow, NODE_COLUMNS, UnloggedRow } from './node-row';
import { useTexts } from './texts';
import type { Item } from './tree';
import type { ChainView } from './use-chain-view';
import { hasReasons, WhyRow } from './why';

/** The servers' view: one row for each node, and a dim one for each callee that logged nothing. */
export function NodeTree({ chain, view }: { chain: Chain; view: ChainView }) {
  const t = useTexts();
  const columns = t.tree.columns;
  const keys = view.rows.flatMap(({ item }) => (item ? [item.key] : []));
  const holder = useKeepInView<HTMLDivElement>(view.selected);
  const rowKeys = useRowKeys(keys, view.selected, {
    select: view.select,
    fold: (key, open) => {
      const item = view.tree.byKey.get(key);
      if (item && item.children.length > 0 && view.isCollapsed(key) === open) view.toggle(key);
    },
  });
  return (
    <section class="card" aria-labelledby="tree-title">
      <header class="card-head">
        <h2 id="tree-title">{t.tree.title}</h2>
        <p class="card-sub">{t.tree.subtitle}</p>
      </header>
      <div class="scroll" ref={holder}>
        <table class="table nodes" role="treegrid" aria-labelledby="tree-title">
          <thead>
            <tr>
              <th scope="col">{columns.psm}</th>
              <th scope="col" class="num">
                {columns.no}
              </th>
              <th scope="col" class="wide">
                {columns.start}
              </th>
              <th scope="col" class="num">
                {columns.duration}
              </th>
              <th scope="col" class="wide">
                {columns.method}
              </th>
              <th scope="col" class="extra">
                {columns.ip}
              </th>
              <th scope="col" class="extra">
                {columns.kind}
              </th>
              <th scope="col">{columns.status}</th>
              <th scope="col">{columns.actions}</th>
            </tr>
          </thead>
          <tbody onKeyDown={rowKeys.onKeyDown} onFocusIn={rowKeys.onFocusIn}>
            {view.rows.map((row) =>
              row.item ? (
                <ItemRows key={row.item.key} chain={chain} item={row.item} view={view} tabIndex={rowKeys.tabIndex(row.item.key)} />
              ) : (
                <RestRow key={`rest ${row.rest.parentKey}`} rest={row.rest} view={view} />
              ),
            )}
          </tbody>
        </table>
      </div>
    </section>
  );
}

function ItemRows({ chain, item, view, tabIndex }: { chain: Chain; item: Item; view: ChainView; tabIndex: 0 | -1 }) {
  const { key, node, call } = item;
  const selected = view.selected === key;
  const record = node ?? call;
  return (
    <>
      {node ? <NodeRow item={item} node={node} view={view} tabIndex={tabIndex} /> : <UnloggedRow item={item} view={view} tabIndex={tabIndex} />}
      {record && (selected || (node && hasReasons(node) && !isPassedOn(item))) && (
        <WhyRow item={item} record={record} full={selected} columns={NODE_COLUMNS} />
      )}
      {node && view.openLog === key && (
        <tr class="sub">
          <td colSpan={NODE_COLUMNS}>
            <NodeLog logid={chain.logid} node={node} onClose={() => view.toggleLog(key)} />
          </td>
        </tr>
      )}
    </>
  );
}

/** Stands for the children that are not shown yet. */
function RestRow({ rest, view }: { rest: Rest; view: ChainView }) {
  const t = useTexts();
  return (
    <tr class="rest">
      <td colSpan={NODE_COLUMNS}>
        <Indent depth={rest.depth} />
        <button type="button" class="link" onClick={() => view.showMore(rest.parentKey)}>
          {t.tree.hidden(rest.hidden, rest.failed)}
        </button>
      </td>
    </tr>
  );
}
