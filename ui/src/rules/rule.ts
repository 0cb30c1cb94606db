import type { RuleKind, RuleText } from '../api.gen';

/** Which rule set: of this kind, published for this side by the owner of this service. */
export interface RuleKey {
  psm: string;
  side: string;
  kind: string;
}

/** The address of a rule set in the API. */
export function ruleApi({ psm, side, kind }: RuleKey, action = ''): string {
  return `/api/rules/${encodeURIComponent(psm)}/${side}/${kind}${action && `/${action}`}`;
}

export function keyText({ psm, side, kind }: RuleKey): string {
  return `${psm}/${side}/${kind}`;
}

/** A pattern of a scope as people write it: a list with commas. */
export function patternText(value: unknown): string {
  return Array.isArray(value) ? value.join(', ') : value === undefined || value === null ? '' : String(value);
}

/** What somebody wrote as a pattern: one name, `prefix*`, or several names. */
export function patternOf(text: string): string | string[] | undefined {
  const names = text.split(/[,，]/).map((name) => name.trim());
  if (names.length > 1) return names;
  return names[0] || undefined;
}

/** For which calls a rule is, short enough for a tab; empty for every call. */
export function scopeText(rule: RuleText): string {
  return Object.values(rule.scope ?? {})
    .map(patternText)
    .filter((text) => text && text !== '*')
    .map((text) => text.replace(/^[a-z0-9_]+\.(?=[a-z0-9_]+\.)/, ''))
    .join(' · ');
}

/** One text for equal scopes, whatever the order in which they were written. */
export function scopeKey(rule: RuleText): string {
  const fields = Object.entries(rule.scope ?? {})
    .map(([name, value]) => [name, Array.isArray(value) ? [...value].sort() : value] as const)
    .filter(([, value]) => value !== '*' && value !== undefined);
  return JSON.stringify(fields.sort(([a], [b]) => a.localeCompare(b)));
}

/** A copy of a rule with one value set; undefined takes it away, so that the default holds. */
export function withValue(rule: RuleText, part: 'scope' | 'body', name: string, value: unknown): RuleText {
  const values: Record<string, unknown> = { ...rule[part], [name]: value };
  if (value === undefined) delete values[name];
  return { ...rule, [part]: values };
}

/** The fields of the scope of a rule and of its body stand under these names in problems. */
export function fieldName(part: 'scope' | 'body', name: string): string {
  return part === 'scope' ? `scope.${name}` : name;
}

/** The line (from 1) in which a text written by the platform has a field of a rule (from 1); 0 if it has none. */
export function lineOf(yaml: string, rule: number, field: string): number {
  const lines = yaml.split('\n');
  let number = 0;
  let first = 0;
  const wanted = new RegExp(`^[- ] ${field.replace(/^scope\..*/, 'scope').replace(/\W/g, '')}:`);
  for (const [at, line] of lines.entries()) {
    if (line.startsWith('- ') && ++number === rule) first = at + 1;
    if (number === rule && field && wanted.test(line)) return at + 1;
  }
  return first;
}

export function kindOf(kinds: RuleKind[] | undefined, name: string): RuleKind | undefined {
  return kinds?.find(({ kind }) => kind === name);
}
