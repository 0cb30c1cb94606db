import type { RuleProblem } from '../api.gen';
import { Icon } from '../components/icon';
import { problemText } from './problems.zh';
import { lineOf } from './rule';
import { useRuleTexts } from './texts';
import type { Editing } from './use-draft';

/** A problem with the line of the text that it is in. */
export interface Placed extends RuleProblem {
  severe: boolean;
}

/** The errors and warnings of a draft; those of the form are found in the text that was made of it. */
export function placedProblems({ check, draft }: Editing): Placed[] {
  if (!check) return [];
  const place = (severe: boolean) => (problem: RuleProblem) => ({ ...problem, message: problemText(problem), severe, line: problem.line || lineOf(draft.yaml, problem.rule, problem.field) });
  return [...check.errors.map(place(true)), ...check.warnings.map(place(false))];
}

/** Whether the draft can be published, in a line; below it each problem that stands at none of the `fields` of a form. */
export function Problems({ editing, fields }: { editing: Editing; fields: readonly string[] }) {
  const t = useRuleTexts().problems;
  const { check, checking, trouble, touched } = editing;
  const found = placedProblems(editing);
  const errors = check?.errors.length ?? 0;
  const warnings = check?.warnings.length ?? 0;
  const listed = found.filter(({ rule, field }) => !rule || !fields.includes(field));
  if (!touched && !trouble && found.length === 0) return null;
  return (
    <div class="rules-valid" role="status" data-testid="rules-valid">
      {trouble && <span class="bad-text">{trouble.status === 0 ? t.away : t.failed(trouble.status, trouble.message)}</span>}
      {!trouble && !check && <span class="dim">{t.checking}</span>}
      {!trouble && check && (
        <>
          {errors > 0 ? (
            <span class="bad-text">
              <Icon name="close" /> {t.errors(errors)}
            </span>
          ) : (
            <span class="good-text">
              <Icon name="check" /> {t.valid(check.rules.length)}
            </span>
          )}
          {warnings > 0 && (
            <span class="mild-text">
              <Icon name="warning" /> {t.warnings(warnings)}
            </span>
          )}
          {checking && <span class="dim">{t.checking}</span>}
        </>
      )}
      {listed.length > 0 && (
        <ul>
          {listed.map((each, at) => (
            <li key={at} class={each.severe ? 'bad-text' : 'mild-text'}>
              <strong>{t.where(each.rule, each.field, each.line)}</strong> {each.message}
            </li>
          ))}
        </ul>
      )}
    </div>
  );
}
