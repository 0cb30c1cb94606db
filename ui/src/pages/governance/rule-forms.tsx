import { useState } from 'preact/hooks';
import type { RuleKind, ScopeField } from '../../api.gen';
import { Icon } from '../../components/icon';
import type { ServiceView } from '../../components/service-view';
import { placedProblems } from '../../rules/problems';
import { fieldName, patternOf, patternText, scopeKey, scopeText, withValue } from '../../rules/rule';
import type { Editing } from '../../rules/use-draft';
import { useHelp } from './help';
import { ScopeInput, ValueInput } from './inputs';
import { useTexts } from './texts';

/** Rules beyond these are chosen from a list. */
const TABS = 12;

/** Parts of a scope that few rules have: folded until one does. */
const RARE = ['caller_cluster', 'cluster', 'lane'];

interface Props {
  editing: Editing;
  kind: RuleKind;
  scope: ScopeField[];
  side: string;
  view: ServiceView;
}

/** One rule at a time as a form, made from the fields that its kind describes. */
export function RuleForms({ editing, kind, scope, side, view }: Props) {
  const t = useTexts().editor;
  const help = useHelp();
  const { draft, editRules, broken } = editing;
  const { rules } = draft;
  const [chosen, setChosen] = useState(0);
  const at = Math.min(chosen, rules.length - 1);
  const rule = rules[at];
  const problems = placedProblems(editing);
  const of = (index: number) => problems.filter((each) => each.rule === index + 1);
  const change = (part: 'scope' | 'body', name: string, value: unknown) => editRules(rules.map((each, index) => (index === at ? withValue(each, part, name, value) : each)));
  const before = rule && draft.base.find((each) => scopeKey(each) === scopeKey(rule));
  const name = (index: number) => t.ruleTab(index + 1, scopeText(rules[index] ?? {}) || t.allOthers);
  const scopeFields = scope.filter(({ sides }) => sides.some((each) => each === side));
  const scopeInput = (field: ScopeField) => (
    <ScopeInput
      key={`${at} ${field.name}`}
      field={field}
      value={patternText(rule?.scope?.[field.name])}
      problems={of(at).filter((each) => each.field === fieldName('scope', field.name))}
      suggestions={suggestionsFor(field.name, view)}
      onChange={(text) => change('scope', field.name, patternOf(text))}
    />
  );
  const add = () => {
    editRules([...rules, { scope: {}, body: {} }]);
    setChosen(rules.length);
  };
  return (
    <div class="gov-form" data-testid="rule-form">
      {broken && <p class="mild-text gov-broken">{t.broken}</p>}
      <fieldset disabled={broken}>
        <div class="gov-rules" role="group" aria-label={t.rules}>
          {rules.length > TABS ? (
            <select class="text-input" aria-label={t.filter} value={String(at)} onChange={(event) => setChosen(Number(event.currentTarget.value))}>
              {rules.map((_, index) => (
                <option key={index} value={String(index)}>
                  {of(index).some(({ severe }) => severe) ? '✕ ' : ''}
                  {name(index)}
                </option>
              ))}
            </select>
          ) : (
            rules.map((_, index) => (
              <button
                key={index}
                type="button"
                class={`gov-tab${of(index).some(({ severe }) => severe) ? ' gov-tab-bad' : of(index).length ? ' gov-tab-mild' : ''}`}
                aria-pressed={index === at}
                onClick={() => setChosen(index)}
              >
                {of(index).length > 0 && <Icon name="warning" />}
                {name(index)}
              </button>
            ))
          )}
          <button type="button" class="quiet" onClick={add}>
            <Icon name="plus" />
            {rules.length ? t.add : t.addFirst}
          </button>
        </div>
        {!rule && <p class="dim">{t.empty}</p>}
        {rule && (
          <>
            <h3>{t.scope}</h3>
            <div class="gov-fields">{scopeFields.filter(({ name }) => !RARE.includes(name)).map(scopeInput)}</div>
            <details class="gov-more" key={`more ${at}`} open={RARE.some((name) => rule.scope?.[name] !== undefined || of(at).some(({ field }) => field === fieldName('scope', name)))}>
              <summary>{t.moreScope}</summary>
              <div class="gov-fields">{scopeFields.filter(({ name }) => RARE.includes(name)).map(scopeInput)}</div>
            </details>
            {of(at)
              .filter(({ field }) => field === 'scope')
              .map(({ message }) => (
                <p key={message} class="bad-text gov-problem">
                  {message}
                </p>
              ))}
            <h3>{t.values}</h3>
            <div class="gov-fields">
              {kind.fields.map((field) => (
                <ValueInput
                  key={`${at} ${field.name}`}
                  field={{ ...field, help: help(kind.kind, field.name, field.help) }}
                  value={rule.body?.[field.name]}
                  before={before && !broken ? before.body?.[field.name] : undefined}
                  compare={before !== undefined}
                  problems={of(at).filter((each) => each.field === fieldName('body', field.name))}
                  onChange={(value) => change('body', field.name, value)}
                />
              ))}
            </div>
            <button
              type="button"
              class="quiet gov-remove"
              onClick={() => {
                editRules(rules.filter((_, index) => index !== at));
                setChosen(Math.max(0, at - 1));
              }}
            >
              <Icon name="trash" />
              {t.remove}
            </button>
          </>
        )}
      </fieldset>
    </div>
  );
}

/** Names that the page of the service knows: what a reader would otherwise copy from another tab. */
function suggestionsFor(field: string, { page }: ServiceView): string[] {
  if (!page) return [];
  const found: Record<string, string[]> = {
    method: page.methods.map(({ method }) => method),
    caller: page.callers.map(({ psm }) => psm),
    callee: page.callees.map(({ psm }) => psm),
    cluster: page.clusters.map(({ name }) => name),
  };
  return [...new Set(found[field] ?? [])].filter(Boolean).slice(0, 200);
}
