import type { ConfigDraft, ConfigOverride, ConfigPage, ConfigPut } from '../../api.gen';

/** What somebody edits: all of the configuration, and the version it was made of. */
export interface Draft {
  seen: number;
  base: ConfigDraft;
  now: ConfigDraft;
}

export function draftOf(page: ConfigPage): Draft {
  return { seen: page.version, base: page.draft, now: page.draft };
}

export function same(one: unknown, other: unknown): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}

/** How many values and overrides a draft changes. */
export function countChanges({ base, now }: Draft): number {
  const keys = new Set([...Object.keys(base.values), ...Object.keys(now.values), ...base.secrets, ...now.secrets]);
  const values = [...keys].filter((key) => !same(base.values[key], now.values[key]) || base.secrets.includes(key) !== now.secrets.includes(key));
  const names = new Set([...base.overrides, ...now.overrides].map(({ name }) => name));
  const overrides = [...names].filter((name) => !same(find(base, name), find(now, name)));
  const moved = overrides.length === 0 && !same(base.overrides.map(nameOf), now.overrides.map(nameOf));
  return values.length + overrides.length + (moved ? 1 : 0);
}

/** My changes upon what somebody else published since: key by key, and override by override. */
export function merged({ base, now }: Draft, theirs: ConfigPage): Draft {
  const values = { ...theirs.draft.values };
  for (const key of new Set([...Object.keys(base.values), ...Object.keys(now.values)])) {
    if (same(base.values[key], now.values[key])) continue;
    if (key in now.values) values[key] = now.values[key];
    else delete values[key];
  }
  const secrets = new Set(theirs.draft.secrets);
  for (const key of now.secrets) if (!base.secrets.includes(key)) secrets.add(key);
  const mine = new Map(now.overrides.map((each) => [each.name, each]));
  const touched = (name: string) => !same(find(base, name), mine.get(name));
  const overrides = theirs.draft.overrides.flatMap((each) => (touched(each.name) ? (mine.get(each.name) ?? []) : each));
  const known = new Set(overrides.map(nameOf));
  const added = now.overrides.filter(({ name }) => touched(name) && !known.has(name));
  return { seen: theirs.version, base: theirs.draft, now: { values, secrets: [...secrets].sort(), overrides: [...added, ...overrides] } };
}

export function putOf({ seen, now }: Draft, comment: string): ConfigPut {
  const overrides = now.overrides.map(({ reaches: _, ...rest }) => rest);
  return { seen, values: now.values, secrets: now.secrets, overrides, comment };
}

export function withValue(draft: Draft, key: string, value: unknown, secret: boolean): Draft {
  const secrets = draft.now.secrets.filter((each) => each !== key);
  if (secret) secrets.push(key);
  return { ...draft, now: { ...draft.now, values: { ...draft.now.values, [key]: value }, secrets: secrets.sort() } };
}

export function withoutValue(draft: Draft, key: string): Draft {
  const { [key]: _, ...values } = draft.now.values;
  return { ...draft, now: { ...draft.now, values } };
}

export function withOverrides(draft: Draft, overrides: ConfigOverride[]): Draft {
  return { ...draft, now: { ...draft.now, overrides } };
}

const STORE = 'pie.config.draft.';

/** A draft survives a reload of its tab. */
export function keepDraft(psm: string, draft: Draft | undefined): void {
  if (draft && countChanges(draft) > 0) sessionStorage.setItem(STORE + psm, JSON.stringify(draft));
  else sessionStorage.removeItem(STORE + psm);
}

export function keptDraft(psm: string): Draft | undefined {
  try {
    const text = sessionStorage.getItem(STORE + psm);
    return text ? (JSON.parse(text) as Draft) : undefined;
  } catch {
    return undefined;
  }
}

function find(draft: ConfigDraft, name: string): Omit<ConfigOverride, 'reaches'> | undefined {
  const found = draft.overrides.find((each) => each.name === name);
  if (!found) return undefined;
  const { reaches: _, ...rest } = found;
  return rest;
}

function nameOf({ name }: ConfigOverride): string {
  return name;
}
