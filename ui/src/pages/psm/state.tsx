import type { State } from './rows';
import { useTexts } from './texts';

/** Whether a PSM runs: a shape first, a colour second, and the word where there is room. */
export function StateMark({ state, word = false }: { state: State; word?: boolean }) {
  const t = useTexts();
  return (
    <span class="psm-state" title={t.stateHints[state]}>
      <i class={`psm-shape psm-shape-${state}`} aria-hidden="true" />
      <span class={word ? '' : 'psm-word'}>{t.states[state]}</span>
    </span>
  );
}
