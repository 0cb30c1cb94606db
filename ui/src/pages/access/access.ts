import type { PreviewCaller, RuleText } from '../../api.gen';
import { scopeKey } from '../../rules/rule';

/** Rules of access as choices: what a caller, or one of its methods, has of its own. */
export type Choice = '' | 'allow' | 'deny' | 'dry';

/** In scopes, the name of a caller that gives none. */
export const NONE = '(none)';

export interface CallerRow {
  caller: string;
  calls: number;
  methods: PreviewCaller[];
}

export type Verdict = 'allowed' | 'denied' | 'partly' | 'recorded';

/** The scope of the rule that a caller has for one of its methods, or for all of them. */
export function scopeFor(caller: string, method = ''): Record<string, string> {
  return { caller: caller || NONE, ...(method && { method }) };
}

export function choiceOf(rules: RuleText[], scope: Record<string, unknown>): Choice {
  const wanted = scopeKey({ scope });
  const rule = rules.find((each) => scopeKey(each) === wanted);
  if (!rule) return '';
  if (rule.body?.effect === 'allow') return 'allow';
  return rule.body?.dry_run === true ? 'dry' : 'deny';
}

/** The rules with that choice for a scope in place of what stood there. */
export function withChoice(rules: RuleText[], scope: Record<string, unknown>, choice: Choice): RuleText[] {
  const wanted = scopeKey({ scope });
  const body = { effect: choice === 'allow' ? 'allow' : 'deny', ...(choice === 'dry' && { dry_run: true }) };
  const at = rules.findIndex((each) => scopeKey(each) === wanted);
  if (choice === '') return rules.filter((_, index) => index !== at);
  if (at < 0) return [...rules, { scope, body }];
  return rules.map((each, index) => (index === at ? { scope: each.scope ?? {}, body } : each));
}

/** Rules that no row of a caller or a method shows. */
export function otherRules(rules: RuleText[], rows: CallerRow[]): RuleText[] {
  const shown = new Set(rows.flatMap(({ caller, methods }) => [scopeKey({ scope: scopeFor(caller) }), ...methods.map(({ method }) => scopeKey({ scope: scopeFor(caller, method) }))]));
  return rules.filter((rule) => !shown.has(scopeKey(rule)));
}

/** Calls by caller, those with most calls first. */
export function byCaller(callers: PreviewCaller[]): CallerRow[] {
  const found = new Map<string, CallerRow>();
  for (const each of callers) {
    const row = found.get(each.caller) ?? { caller: each.caller, calls: 0, methods: [] };
    row.calls += each.calls;
    row.methods.push(each);
    found.set(each.caller, row);
  }
  for (const { methods } of found.values()) methods.sort((a, b) => b.calls - a.calls);
  return [...found.values()].sort((a, b) => b.calls - a.calls);
}

export function verdictOf(calls: number, denied: number, recorded = 0): Verdict {
  if (denied > 0) return denied >= calls ? 'denied' : 'partly';
  return recorded > 0 ? 'recorded' : 'allowed';
}
