import type { Service } from '../api.gen';
import { useMessages } from '../i18n';

/** Whether a service is on Pie; hovering it says what that means. */
export function StateBadge({ state }: { state: Service['state'] }) {
  const t = useMessages();
  return (
    <span class={`badge badge-${state}`} title={t.stateHints[state]}>
      {t.states[state]}
    </span>
  );
}

/** The same with an explanation that keyboard and touch reach too. */
export function ExplainedStateBadge({ state }: { state: Service['state'] }) {
  const t = useMessages();
  return (
    <span class="hinted" tabIndex={0} aria-describedby="state-hint">
      <span class={`badge badge-${state}`} data-testid="state-badge">
        {t.states[state]}
      </span>
      <span class="hint" role="tooltip" id="state-hint">
        {t.stateHints[state]}
      </span>
    </span>
  );
}
