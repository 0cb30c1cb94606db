import { useLayoutEffect, useMemo, useRef } from 'preact/hooks';
import { useQuery } from '../../api/query';
import type { PsmTree } from '../../api.gen';
import { Icon } from '../../components/icon';
import { Trouble } from '../../components/trouble';
import { useMedia } from '../../components/use-media';
import { count } from '../../format';
import { useMessages } from '../../i18n';
import { useTitle } from '../../title';
import { type UrlState, useUrlState } from '../../urlstate';
import { Detail } from './detail';
import { Filters } from './filters';
import { allOpen, isNarrowed, psmsOf, rowsOf, turnedFor, type Wanted, wantedBy } from './rows';
import { Summary } from './summary';
import { useTexts } from './texts';
import { Tree } from './tree';

const REFRESH_MS = 60_000;
/** PSMs asked for at once: all that the platform gives. */
const MOST = 20_000;

/** Who owns what: products, subsystems and PSMs, and what is declared of them. */
export default function PsmPage() {
  const t = useTexts();
  const url = useUrlState();
  useTitle(t.title);
  const query = useQuery<PsmTree>(`/api/psm?limit=${MOST}`, (_, error) => (error?.status === 403 ? null : REFRESH_MS));
  const tree = query.data;
  const selected = url.get('name');
  const keepPosition = useListPosition(selected);
  if (query.error?.status === 403) return <Forbidden />;
  return (
    <>
      <h1 class="offscreen">{t.title}</h1>
      <Trouble query={query} retrying />
      {tree && <Summary tree={tree} receivedAt={query.receivedAt} />}
      {!tree && !query.error && <VerdictSkeleton />}
      <div class={`psm-layout${selected ? ' psm-chosen' : ''}`}>
        <List tree={tree} failed={query.error !== undefined} url={url} selected={selected} onLeave={keepPosition} />
        {selected && <Detail key={selected} name={selected} url={url} onChanged={query.refresh} />}
      </div>
    </>
  );
}

/** Where the details replace the list, Back leads to the rows that the reader left. Call the result before. */
function useListPosition(selected: string): () => void {
  const replaced = useMedia('(max-width: 1100px)');
  const position = useRef<number | undefined>(undefined);
  useLayoutEffect(() => {
    if (selected || position.current === undefined) return;
    if (replaced) window.scrollTo(0, position.current);
    position.current = undefined;
  }, [selected]);
  return () => {
    position.current = window.scrollY;
  };
}

interface ListProps {
  tree: PsmTree | undefined;
  failed: boolean;
  url: UrlState;
  selected: string;
  /** A row is about to be selected. */
  onLeave: () => void;
}

function List({ tree, failed, url, selected, onLeave }: ListProps) {
  const t = useTexts();
  const { filter, text, product } = wantedBy(url);
  const fold = url.get('fold');
  const wanted = useMemo((): Wanted => ({ filter, text, product }), [filter, text, product]);
  const turned = useMemo(() => new Set(fold.split(',').filter(Boolean)), [fold]);
  const rows = useMemo(() => (tree ? rowsOf(tree, wanted, turned) : []), [tree, wanted, turned]);
  const psms = useMemo(() => (tree ? psmsOf(tree, wanted) : []), [tree, wanted]);
  const turn = (name: string) => {
    const next = new Set(turned);
    if (!next.delete(name)) next.add(name);
    url.patch({ fold: [...next].join(',') });
  };
  const select = (name: string) => {
    onLeave();
    url.push({ name, edit: '' });
  };
  // Keys go through many rows: only the first one makes an entry in the history.
  const walk = (name: string) => (selected ? url.patch({ name, edit: '' }) : select(name));
  const open = allOpen(rows);
  return (
    <section class="card psm-list" aria-labelledby="psm-list-title">
      <header class="card-head">
        <h2 id="psm-list-title">{t.tree}</h2>
        <p class="card-sub">{tree && t.psms(psms.length, count(psms.length))}</p>
        {tree && rows.length > 0 && (
          <button type="button" class="quiet" onClick={() => url.patch({ fold: turnedFor(tree, wanted, !open).join(',') })}>
            <Icon name={open ? 'foldUp' : 'fold'} />
            {open ? t.foldAll : t.expandAll}
          </button>
        )}
      </header>
      <Filters tree={tree} shown={psms} wanted={wanted} url={url} />
      {tree?.more && <p class="psm-note mild-text">{t.more}</p>}
      {tree && rows.length > 0 && <Tree rows={rows} now={tree.now} seenDays={tree.seen_days} selected={selected} onSelect={select} onWalk={walk} onFold={turn} />}
      {tree && rows.length === 0 && (isNarrowed(wanted) ? <Nothing tree={tree} wanted={wanted} url={url} /> : <Empty />)}
      {!tree && !failed && <RowsSkeleton />}
      {tree && tree.others.length > 0 && !isNarrowed(wanted) && <Others tree={tree} />}
    </section>
  );
}

function Nothing({ tree, wanted, url }: { tree: PsmTree; wanted: Wanted; url: UrlState }) {
  const t = useTexts().nothing;
  const only = [wanted.filter, wanted.text, wanted.product].filter(Boolean).length === 1;
  const title = only && wanted.text ? t.text(wanted.text) : only && wanted.filter ? t[wanted.filter] : t.other;
  return (
    <div class="psm-blank">
      <Icon name="filter" />
      <h3>{title}</h3>
      <p>
        {t.looked(count(tree.counts.psms))}{' '}
        <button type="button" class="link" onClick={() => url.patch({ filter: '', q: '', product: '', fold: '' })}>
          {t.clear}
        </button>
      </p>
    </div>
  );
}

function Empty() {
  const t = useTexts();
  return (
    <div class="psm-blank">
      <Icon name="plus" />
      <h3>{t.emptyTitle}</h3>
      <p>{t.emptyLead}</p>
    </div>
  );
}

/** Names in calls that are no PSM: databases, hosts, foreign registries. */
function Others({ tree }: { tree: PsmTree }) {
  const t = useTexts();
  const common = useMessages();
  return (
    <details class="psm-others">
      <summary>{t.others(tree.others.length, count(tree.others.length))}</summary>
      <ul>
        {tree.others.map(({ name, calls, last_seen }) => (
          <li key={name}>
            <span class="mono">{name}</span>
            <small>
              {count(calls)} · {common.ago(Math.max(0, Math.round(tree.now - last_seen)))}
            </small>
          </li>
        ))}
      </ul>
    </details>
  );
}

function Forbidden() {
  const t = useTexts();
  useTitle(t.title);
  return (
    <section class="card notice" role="alert">
      <h1>{t.forbiddenTitle}</h1>
      <p>{t.forbiddenLead}</p>
    </section>
  );
}

function VerdictSkeleton() {
  return (
    <section class="card psm-verdict placeholder" aria-hidden="true">
      <i class="psm-bar" />
    </section>
  );
}

function RowsSkeleton() {
  return (
    <div class="psm-waiting placeholder" aria-hidden="true">
      {Array.from({ length: 10 }, (_, row) => (
        <i key={row} />
      ))}
    </div>
  );
}
