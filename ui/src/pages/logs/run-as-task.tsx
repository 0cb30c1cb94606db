import { useLocation } from 'preact-iso/router';
import { useState } from 'preact/hooks';
import { type ApiError, sendJson } from '../../api/client';
import { Icon } from '../../components/icon';
import { useMessages } from '../../i18n';
import { pathTo } from '../../paths';
import { asApiError } from './api';
import type { Search, Span } from './search-url';
import { useTexts } from './texts';
import type { Task, TaskRequest } from '../../api.gen';

/** A search over longer than this is better left to run by itself. */
const LONG_SECONDS = 86400;

const TYPES: Record<Search['tab'], Task['type']> = { keyword: 'normal', stack: 'stack', client: 'client' };

/** Let the platform search by itself, and look at the list of such searches meanwhile. */
export function RunAsTask({ search, span }: { search: Search; span: Span }) {
  const t = useTexts();
  const common = useMessages();
  const { start, busy, error } = useStartTask();
  const { psm, cluster, host, level, folder } = search.filters;
  const long = span.until - span.since > LONG_SECONDS;
  return (
    <>
      {error && (
        <span class="bad-text" role="alert">
          {error.message || common.trouble.away}
        </span>
      )}
      <button
        type="button"
        class={`quiet${long ? ' advised' : ''}`}
        title={long ? t.tasks.longHint : t.tasks.runHint}
        disabled={busy}
        data-testid="run-as-task"
        onClick={() => start({ type: TYPES[search.tab], q: search.q, psm, cluster, host, level, folder, ...span })}
      >
        <Icon name="task" />
        {t.tasks.run}
      </button>
    </>
  );
}

export function useStartTask(): { start: (task: TaskRequest) => void; busy: boolean; error: ApiError | undefined } {
  const { route } = useLocation();
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<ApiError>();
  const start = (task: TaskRequest) => {
    setBusy(true);
    setError(undefined);
    sendJson<Task>('POST', '/api/logs/tasks', task).then(
      () => route(pathTo('logs', { rest: 'tasks' })),
      (reason: unknown) => {
        setBusy(false);
        setError(asApiError(reason));
      },
    );
  };
  return { start, busy, error };
}
