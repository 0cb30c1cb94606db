import { useLocation } from 'preact-iso/router';
import { useMemo, useState } from 'preact/hooks';
import { useQuery } from '../../api/query';
import { Icon } from '../../components/icon';
import { spanText } from '../../components/range-picker';
import { Trouble } from '../../components/trouble';
import { count, dateTime, duration } from '../../format';
import { useMessages } from '../../i18n';
import { pathTo } from '../../paths';
import { useTitle } from '../../title';
import { Histogram } from './histogram';
import { byGravity, toneOf } from './levels';
import { LineDetail, type LineActions } from './line-detail';
import { LineList } from './line-list';
import { highlighter, term, withTerm } from './query-text';
import { WaitingLines } from './results';
import { type SearchTab, searchPath, type Span } from './search-url';
import { TaskActions } from './task-actions';
import { TaskProgress } from './task-progress';
import { useTexts } from './texts';
import { crossesDays } from './time-axis';
import type { Line, Task, TaskResult } from '../../api.gen';
import { FILTER_FIELDS } from './filter-fields';

const REFRESH_MS = 2000;
const TABS: Partial<Record<Task['type'], SearchTab>> = { stack: 'stack', client: 'client' };

/** One task: what was asked, how far it is, and the first of what it found. */
export function TaskPage({ id }: { id: string }) {
  const t = useTexts();
  const { route } = useLocation();
  const query = useQuery<TaskResult>(`/api/logs/tasks/${encodeURIComponent(id)}`, (data) => (!data || data.task.state === 'running' ? REFRESH_MS : null));
  useTitle(t.tasks.title(id));
  const { data, error } = query;
  if (error?.status === 404 && !data)
    return (
      <section class="card notice">
        <h1>{t.tasks.gone(id)}</h1>
        <p>{t.tasks.goneLead}</p>
        <p>
          <a class="button" href={pathTo('logs', { rest: 'tasks' })}>
            {t.nav.tasks}
          </a>
        </p>
      </section>
    );
  const task = data?.task;
  return (
    <>
      <Trouble query={query} retrying />
      <section class="card task" aria-labelledby="task-title" data-testid="task">
        <header class="card-head">
          <h1 id="task-title">{t.tasks.title(id)}</h1>
          <p class="card-sub">{task && <TaskProgress task={task} />}</p>
          {task && (
            <span class="task-tools">
              <TaskActions task={task} named onDone={() => (task.state === 'running' ? query.refresh() : route(pathTo('logs', { rest: 'tasks' })))} />
            </span>
          )}
        </header>
        {!task && !error && <WaitingLines />}
        {task && (
          <>
            {task.message && <p class={`hint${task.state === 'failed' ? ' bad-text' : ''}`}>{task.message}</p>}
            <TaskFacts task={task} levels={data.levels} />
            <div class="line-tools task-links">
              <a class="button" href={asSearch(task)} data-testid="open-as-search">
                <Icon name="search" />
                {t.tasks.asSearch}
              </a>
              {task.type === 'chain' && task.logid && (
                <a class="quiet" href={pathTo('chain', { logid: task.logid })} data-testid="task-chain">
                  <Icon name="chain" />
                  {t.tasks.chain}
                </a>
              )}
            </div>
            {data.histogram && <div class="histogram-box"><Histogram answer={data.histogram} stale={false} onZoom={(range) => route(asSearch(task, range))} /></div>}
          </>
        )}
      </section>
      {data && task && <FirstLines data={data} task={task} />}
    </>
  );
}

function TaskFacts({ task, levels }: { task: Task; levels: Record<string, number> }) {
  const t = useTexts();
  const common = useMessages();
  const { params } = task;
  const facts: Array<[string, string]> = [
    [t.tasks.columns.name, task.name || t.tasks.everything],
    [t.tasks.columns.type, task.type],
    [t.tasks.columns.operator, task.operator],
    [t.tasks.columns.started, dateTime(task.started)],
    [t.tasks.took, duration(1000 * ((task.ended ?? Date.now() / 1000) - task.started))],
    ...(params.since && params.until ? [[t.range.title, spanText(params as Span)] as [string, string]] : []),
    ...FILTER_FIELDS.flatMap((field): Array<[string, string]> => {
      const values = field === 'folder' ? undefined : params[field];
      return values?.length ? [[t.filters[field], values.join(', ')]] : [];
    }),
  ];
  return (
    <dl class="facts task-facts">
      {facts.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value || common.none}</dd>
        </div>
      ))}
      <div>
        <dt>{t.tasks.levels}</dt>
        <dd class="level-counts">
          {Object.keys(levels)
            .sort(byGravity)
            .map((level) => (
              <span key={level}>
                <i class={`swatch lv-${toneOf(level)}`} />
                {level} {count(levels[level] ?? 0)}
              </span>
            ))}
          {Object.keys(levels).length === 0 && common.none}
        </dd>
      </div>
    </dl>
  );
}

function FirstLines({ data, task }: { data: TaskResult; task: Task }) {
  const t = useTexts();
  const { route } = useLocation();
  const [open, setOpen] = useState<ReadonlySet<string>>(new Set());
  const pattern = useMemo(() => highlighter(task.params.q ?? ''), [task.params.q]);
  const { lines } = data;
  const newest = Math.max(...lines.map(({ ts }) => ts));
  const oldest = Math.min(...lines.map(({ ts }) => ts));
  const toggle = (id: string) => {
    const next = new Set(open);
    if (!next.delete(id)) next.add(id);
    setOpen(next);
  };
  const narrowed = (extra: string) => route(asSearch({ ...task, params: { ...task.params, q: withTerm(task.params.q ?? '', extra) } }));
  const actions: LineActions = {
    include: (field, value) => narrowed(term(field, value)),
    exclude: (field, value) => narrowed(`-${term(field, value)}`),
    linkTo: (line: Line) => location.origin + searchPath({ range: { since: line.ts - 60, until: line.ts + 60 }, filters: { psm: [line.psm] }, open: line.id }),
  };
  return (
    <section class="card results" aria-labelledby="first-title">
      <header class="card-head results-head">
        <h2 id="first-title">{t.tasks.firstLines(lines.length)}</h2>
        {data.truncated && <p class="card-sub">{t.tasks.truncated}</p>}
      </header>
      {lines.length === 0 && <p class="no-match">{task.state === 'running' ? t.tasks.stillRunning : t.tasks.nothing}</p>}
      <LineList
        lines={lines}
        open={open}
        onToggle={toggle}
        detail={(line) => <LineDetail line={line} pattern={pattern} actions={actions} />}
        client={task.type === 'client'}
        dated={crossesDays({ since: oldest, until: newest })}
        pattern={pattern}
      />
    </section>
  );
}

/** The same question as a search of its own. */
function asSearch(task: Task, span?: Span): string {
  const { q = '', psm = [], cluster = [], host = [], level = [], since, until } = task.params;
  const asked: Span | undefined = span ?? (since && until ? { since, until } : undefined);
  const filters = { psm, cluster, host, level };
  return searchPath({ tab: TABS[task.type] ?? 'keyword', q, filters, ...(asked && { range: asked }) });
}
