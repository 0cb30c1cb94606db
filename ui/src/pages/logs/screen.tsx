import { useLocation } from 'preact-iso/router';
import { useEffect, useRef } from 'preact/hooks';
import { Icon, type IconName } from '../../components/icon';
import { NotFoundPage } from '../../components/not-found';
import { ChainTab } from './chain-tab';
import { ManualPage } from './manual';
import { formatSearch, type Search, TABS, useSearchState } from './search-url';
import { SearchView } from './search-view';
import { TaskList } from './task-list';
import { TaskPage } from './task-page';
import { useTexts } from './texts';

type Section = Search['tab'] | 'chain' | 'tasks' | 'manual';

const ENTRIES: ReadonlyArray<readonly [Section, IconName]> = [
  ['keyword', 'search'],
  ['stack', 'warning'],
  ['chain', 'chain'],
  ['client', 'lines'],
  ['tasks', 'task'],
  ['manual', 'info'],
];

/** The log search platform: everything under /logs. */
export default function LogsPage() {
  const t = useTexts();
  const { path, query } = useLocation();
  const state = useSearchState();
  const task = /^\/logs\/tasks\/(\d+)$/.exec(path)?.[1];
  const tab = query.tab === 'chain' ? 'chain' : state.search.tab;
  const section: Section | undefined = task || path === '/logs/tasks' ? 'tasks' : path === '/logs/manual' ? 'manual' : path === '/logs' ? tab : undefined;
  if (!section) return <NotFoundPage />;
  return (
    <div class="log-search">
      {section !== 'tasks' && section !== 'manual' && <h1 class="offscreen">{`${t.nav.label}: ${t.nav[section]}`}</h1>}
      <Navigation section={section} search={state.search} />
      {task ? (
        <TaskPage key={task} id={task} />
      ) : section === 'tasks' ? (
        <TaskList />
      ) : section === 'manual' ? (
        <ManualPage />
      ) : section === 'chain' ? (
        <ChainTab />
      ) : (
        <SearchView key={section} state={state} />
      )}
    </div>
  );
}

/** The seed's six entries. Among the searches the question goes along. */
function Navigation({ section, search }: { section: Section; search: Search }) {
  const t = useTexts();
  const target = (entry: Section): string => {
    const tab = TABS.find((each) => each === entry);
    if (!tab) return entry === 'chain' ? '/logs?tab=chain' : `/logs/${entry}`;
    return formatSearch({ ...search, tab, open: '', live: false });
  };
  const holder = useRef<HTMLElement>(null);
  // On a phone the entries do not all fit.
  useEffect(() => {
    const current = holder.current?.querySelector<HTMLElement>('[aria-current]');
    if (holder.current && current) holder.current.scrollLeft = current.offsetLeft - holder.current.clientWidth / 3;
  }, [section]);
  return (
    <nav class="log-nav" aria-label={t.nav.label} ref={holder}>
      {ENTRIES.map(([entry, icon]) => (
        <a key={entry} href={target(entry)} aria-current={entry === section ? 'page' : undefined}>
          <Icon name={icon} />
          {t.nav[entry]}
        </a>
      ))}
    </nav>
  );
}
