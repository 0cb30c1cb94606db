import { useEffect, useState } from 'preact/hooks';
import { type ApiError, sendJson } from '../../api/client';
import { Icon } from '../../components/icon';
import { useMessages } from '../../i18n';
import { asApiError } from './api';
import { useTexts } from './texts';
import type { Task } from '../../api.gen';

const CONFIRM_MS = 5000;

/** Cancel a running task, delete an ended one; each asks once more. */
export function TaskActions({ task, onDone, named = false }: { task: Task; onDone: () => void; named?: boolean }) {
  const t = useTexts();
  const common = useMessages();
  const [asking, setAsking] = useState(false);
  const [error, setError] = useState<ApiError>();
  const running = task.state === 'running';
  useEffect(() => {
    if (!asking) return undefined;
    const timer = setTimeout(() => setAsking(false), CONFIRM_MS);
    return () => clearTimeout(timer);
  }, [asking]);
  useEffect(() => setAsking(false), [running]);

  const act = () => {
    setAsking(false);
    setError(undefined);
    const sent = running ? sendJson('POST', `/api/logs/tasks/${task.id}/cancel`) : sendJson('DELETE', `/api/logs/tasks/${task.id}`);
    sent.then(onDone, (reason: unknown) => setError(asApiError(reason)));
  };
  const label = running ? t.tasks.cancel : t.tasks.delete;
  if (asking)
    return (
      <span class="confirm" role="alertdialog" aria-label={label}>
        <button type="button" class="danger" data-testid="task-confirm" onClick={act}>
          {running ? t.tasks.confirmCancel : t.tasks.confirmDelete}
        </button>
        <button type="button" class="quiet" onClick={() => setAsking(false)}>
          {t.tasks.keep}
        </button>
      </span>
    );
  return (
    <>
      {error && (
        <span class="bad-text" role="alert">
          {error.message || common.trouble.away}{' '}
        </span>
      )}
      <button type="button" class={named ? 'quiet' : 'tool'} title={label} aria-label={label} data-testid="task-act" onClick={() => setAsking(true)}>
        <Icon name={running ? 'stop' : 'trash'} />
        {named && (running ? t.tasks.cancelShort : t.tasks.deleteShort)}
      </button>
    </>
  );
}
