import { useLocation } from 'preact-iso/router';
import { useState } from 'preact/hooks';
import { type ApiError, sendJson } from '../../api/client';
import { Icon } from '../../components/icon';
import { useMessages } from '../../i18n';
import { asApiError } from './api';
import type { Search, Span } from './search-url';
import type { NewTask, Task, TaskType } from './types';

/** A search over longer than this is better left to run by itself. */
const LONG_SECONDS = 86400;

const TYPES: Record<Search['tab'], TaskType> = { keyword: 'normal', stack: 'stack', client: 'client' };

/** Let the platform search by itself, and look at the list of such searches meanwhile. */
export function RunAsTask({ search, span }: { search: Search; span: Span }) {
  const t = useMessages();
  const { start, busy, error } = useStartTask();
  const { psm, cluster, host, level, folder } = search.filters;
  const long = span.until - span.since > LONG_SECONDS;
  return (
    <>
      {error && (
        <span class="bad-text" role="alert">
          {error.message || t.trouble.away}
        </span>
      )}
      <button
        type="button"
        class={`quiet${long ? ' advised' : ''}`}
        title={long ? t.logs.tasks.longHint : t.logs.tasks.runHint}
        disabled={busy}
        data-testid="run-as-task"
        onClick={() => start({ type: TYPES[search.tab], q: search.q, psm, cluster, host, level, folder, ...span })}
      >
        <Icon name="task" />
        {t.logs.tasks.run}
      </button>
    </>
  );
}

export function useStartTask(): { start: (task: NewTask) => void; busy: boolean; error: ApiError | undefined } {
  const { route } = useLocation();
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<ApiError>();
  const start = (task: NewTask) => {
    setBusy(true);
    setError(undefined);
    sendJson<Task>('POST', '/api/logs/tasks', task).then(
      () => route('/logs/tasks'),
      (reason: unknown) => {
        setBusy(false);
        setError(asApiError(reason));
      },
    );
  };
  return { start, busy, error };
}
