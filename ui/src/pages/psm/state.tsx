import { useMessages } from '../../i18n';
import type { State } from './rows';
import { useTexts } from './texts';

/** Whether a PSM runs: a shape first, a colour second, and the word where there is room. */
export function StateMark({ state, word = false }: { state: State; word?: boolean }) {
  const text = useStateText(state);
  const t = useTexts();
  return (
    <span class="psm-state" title={t.stateHints[state]}>
      <i class={`psm-shape psm-shape-${state}`} aria-hidden="true" />
      <span class={word ? '' : 'psm-word'}>{text}</span>
    </span>
  );
}

/** The word of a state: that of the list of services, which does not hold names that were only declared. */
export function useStateText(state: State): string {
  const { states } = useMessages();
  const t = useTexts();
  return { running: states.running, stopped: states.stopped, seen: states.never, declared: t.onlyDeclared }[state];
}
