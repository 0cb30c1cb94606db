import type { RuleRollout, RuleSetHead } from '../api.gen';
import { count } from '../format';
import { useRuleTexts } from './texts';

const SECOND_STEP = 10;

/** The steps of a roll-out; `done` of them were taken, none before it began. */
export function Steps({ done = 0 }: { done?: number }) {
  const t = useRuleTexts().publish;
  return (
    <ol>
      {t.steps.map((step, at) => (
        <li key={step} class={at < done ? 'rules-step-done' : ''} aria-current={at === done - 1 ? 'step' : undefined}>
          <b>{step}</b>
          {at < t.steps.length - 1 ? t.pause : t.whole}
        </li>
      ))}
    </ol>
  );
}

/** How far a version has come that goes step by step, or why it was stopped. */
export function RollOutState({ head }: { head: RuleSetHead }) {
  const t = useRuleTexts().publish;
  const { rollout, version } = head;
  if (!rollout) return null;
  return (
    <section class="rules-rollout" data-testid="rollout">
      <h4>
        {t.rolling(version)} <span class="dim">{t.others(rollout.previous_version)}</span>
      </h4>
      {rollout.stopped ? <p class="bad-text">{t.stopped(rollout.stopped)}</p> : <Steps done={stepOf(rollout)} />}
      {rollout.waits && !rollout.stopped && <p class="rules-note">{t.waits(rollout.waits)}</p>}
      {rollout.instances.length > 0 && <p class="dim rules-note">{t.chosen(rollout.instances.join(', '), count(rollout.percent))}</p>}
    </section>
  );
}

function stepOf({ percent }: RuleRollout): number {
  if (percent >= 100) return 3;
  return percent >= SECOND_STEP ? 2 : 1;
}
