import type { RuleText } from '../../api.gen';
import { patternText } from '../../rules/rule';
import { useRuleTexts } from '../../rules/texts';
import { type Choice, choiceOf } from './access';
import { ChoiceSelect } from './callers';
import { useTexts } from './texts';

/** Rules for several callers, prefixes, clusters, lanes; and for who has not called in these days. */
export function OtherRules({ rules, onChoose }: { rules: RuleText[]; onChoose: (scope: Record<string, unknown>, choice: Choice) => void }) {
  const t = useTexts();
  const { everyCall } = useRuleTexts();
  if (rules.length === 0) return null;
  return (
    <section class="access-others">
      <h3>{t.others}</h3>
      <ul>
        {rules.map((rule) => {
          const scope = rule.scope ?? {};
          const text = Object.entries(scope)
            .map(([name, value]) => `${name}=${patternText(value)}`)
            .join(' ');
          return (
            <li key={text} data-testid="access-other">
              <span class="mono">{text || everyCall}</span>
              <ChoiceSelect label={text || everyCall} choice={choiceOf(rules, scope)} onChoose={(choice) => onChoose(scope, choice)} />
            </li>
          );
        })}
      </ul>
    </section>
  );
}
