import { useEffect } from 'preact/hooks';
import { useQuery } from '../../api/query';
import { Updated } from '../../components/ago';
import { SkeletonRows } from '../../components/skeleton';
import { Trouble } from '../../components/trouble';
import { dateTime } from '../../format';
import { useMessages } from '../../i18n';
import { pathTo } from '../../paths';
import { useTitle } from '../../title';
import { useUrlState } from '../../urlstate';
import { TaskActions } from './task-actions';
import { TaskProgress } from './task-progress';
import { useTexts } from './texts';
import type { Task, TaskList as Tasks } from '../../api.gen';

const REFRESH_MS = 5000;
const COLUMNS = 10;

/** The searches that run by themselves, as the seed lists them. */
export function TaskList() {
  const t = useTexts();
  const url = useUrlState();
  const mine = url.get('mine') === '1';
  const auto = url.get('auto') !== '0';
  const query = useQuery<Tasks>(`/api/logs/tasks?mine=${mine ? 1 : 0}&limit=50`, () => (auto ? REFRESH_MS : null), true);
  useTitle(t.nav.tasks);
  useEffect(() => {
    if (auto && query.data) query.refresh();
  }, [auto]);
  const columns = t.tasks.columns;
  const tasks = query.data?.tasks;
  return (
    <>
      <Trouble query={query} retrying={auto} />
      <section class="card" aria-labelledby="tasks-title">
        <header class="card-head">
          <h1 id="tasks-title">{t.nav.tasks}</h1>
          <p class="card-sub">{query.data && <Updated at={query.receivedAt} />}</p>
        </header>
        <div class="filters">
          <label class={`field check${mine ? ' field-set' : ''}`}>
            <input type="checkbox" checked={mine} onChange={() => url.patch({ mine: mine ? undefined : '1' })} />
            {t.tasks.onlyMine}
          </label>
          <label class={`field check${auto ? ' field-set' : ''}`}>
            <input type="checkbox" checked={auto} onChange={() => url.patch({ auto: auto ? '0' : undefined })} />
            {t.tasks.autoRefresh}
          </label>
        </div>
        <div class="scroll">
          <table class="table tasks">
            <thead>
              <tr>
                <th scope="col">{columns.id}</th>
                <th scope="col">{columns.name}</th>
                <th scope="col">{columns.started}</th>
                <th scope="col">{columns.ended}</th>
                <th scope="col">{columns.type}</th>
                <th scope="col">{columns.operator}</th>
                <th scope="col">{columns.info}</th>
                <th scope="col">{columns.result}</th>
                <th scope="col">{columns.chain}</th>
                <th scope="col">
                  <span class="offscreen">{columns.actions}</span>
                </th>
              </tr>
            </thead>
            <tbody>
              {tasks?.map((task) => (
                <TaskRow key={task.id} task={task} onDone={query.refresh} />
              ))}
              {tasks === undefined && !query.error && <SkeletonRows rows={6} columns={COLUMNS} />}
            </tbody>
          </table>
          {tasks?.length === 0 && (
            <p class="no-match">
              {mine ? t.tasks.noneOfMine : t.tasks.none} <a href={pathTo('logs')}>{t.nav.keyword}</a>
            </p>
          )}
        </div>
      </section>
    </>
  );
}

function TaskRow({ task, onDone }: { task: Task; onDone: () => void }) {
  const t = useTexts();
  const common = useMessages();
  return (
    <tr data-testid="task-row" data-id={task.id}>
      <td class="task-id">{task.id}</td>
      <td class="mono task-name" title={task.name}>
        {task.name || <span class="dim">{t.tasks.everything}</span>}
      </td>
      <td>{dateTime(task.started)}</td>
      <td>{task.ended === null ? common.none : dateTime(task.ended)}</td>
      <td>{task.type}</td>
      <td>{task.operator || common.none}</td>
      <td>
        <a href={pathTo('logs', { rest: `tasks/${task.id}` })} data-testid="task-view">
          {t.tasks.view}
        </a>
      </td>
      <td>
        <TaskProgress task={task} />
      </td>
      <td>
        {task.type === 'chain' && task.logid && (
          <a href={pathTo('chain', { logid: task.logid })} data-testid="task-chain">
            {t.tasks.chain}
          </a>
        )}
      </td>
      <td class="task-acts">
        <TaskActions task={task} onDone={onDone} />
      </td>
    </tr>
  );
}
