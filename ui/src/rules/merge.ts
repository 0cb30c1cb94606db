import type { RuleText } from '../api.gen';
import { scopeKey } from './rule';

export interface Merged {
  rules: RuleText[];
  /** Scopes that both changed, differently: of these the result has mine. */
  both: string[];
}

/** Two edits of one set of rules put together; a rule is the same while its scope is. */
export function merge(base: RuleText[], theirs: RuleText[], mine: RuleText[]): Merged {
  const [old, their, own] = [base, theirs, mine].map((rules) => new Map(rules.map((rule) => [scopeKey(rule), rule]))) as [ByScope, ByScope, ByScope];
  const both: string[] = [];
  const rules: RuleText[] = [];
  for (const scope of new Set([...own.keys(), ...their.keys()])) {
    const [was, says, have] = [old, their, own].map((each) => each.get(scope)) as [Maybe, Maybe, Maybe];
    const iChanged = !same(was, have);
    const theyChanged = !same(was, says);
    if (iChanged && theyChanged && !same(says, have)) both.push(scope);
    const kept = iChanged ? have : says;
    if (kept) rules.push(kept);
  }
  return { rules, both };
}

type ByScope = Map<string, RuleText>;
type Maybe = RuleText | undefined;

function same(a: Maybe, b: Maybe): boolean {
  const sorted = (rule: Maybe) => JSON.stringify(Object.entries(rule?.body ?? {}).sort(([one], [other]) => one.localeCompare(other)));
  return (a === undefined) === (b === undefined) && sorted(a) === sorted(b);
}
