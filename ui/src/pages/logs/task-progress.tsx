import type { Task } from '../../api.gen';
import { count, percent } from '../../format';
import { useTexts } from './texts';

const TONES: Record<Task['state'], string> = { running: 'running', done: 'good', failed: 'bad', cancelled: 'unsure' };

/** How far a task is, or how it ended. */
export function TaskProgress({ task }: { task: Task }) {
  const t = useTexts().tasks;
  return (
    <span class={`status tone-${TONES[task.state]}`} data-testid="task-state" data-state={task.state} title={task.message || undefined}>
      <i />
      {t.states[task.state]}
      {task.state === 'running' && (
        <>
          <progress max={1} value={task.progress} aria-label={t.states.running} />
          <small>{percent(task.progress).replace(/\.\d+/, '')}</small>
        </>
      )}
      {(task.state === 'done' || task.found > 0) && <small>{t.found(count(task.found), task.found)}</small>}
    </span>
  );
}
