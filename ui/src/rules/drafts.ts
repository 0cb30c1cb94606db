import type { RuleText } from '../api.gen';
import { readStorage, writeStorage } from '../preferences';

/** Rules that somebody is changing. */
export interface Draft {
  /** The version they were made from, and what it was. */
  seen: number;
  base: RuleText[];
  baseYaml: string;
  /** Both forms of what is being written; which of them was changed last leads. */
  rules: RuleText[];
  yaml: string;
  leads: 'rules' | 'yaml';
  comment: string;
  /** When it was changed last, in Unix milliseconds. */
  at: number;
}

const KEY = 'pie.rule-drafts';
/** Drafts kept; the oldest go first. */
const MOST = 20;
const MOST_CHARACTERS = 2_000_000;

/** What was left in this browser, also by another tab or before a reload. */
export function keptDraft(key: string): Draft | undefined {
  return stored()[key];
}

export function keepDraft(key: string, draft: Draft): void {
  const { [key]: _, ...others } = stored();
  const newest = Object.entries(others).sort(([, a], [, b]) => b.at - a.at);
  const kept: Record<string, Draft> = { [key]: draft };
  let size = JSON.stringify(draft).length;
  for (const [name, each] of newest.slice(0, MOST - 1)) {
    size += JSON.stringify(each).length;
    if (size > MOST_CHARACTERS) break;
    kept[name] = each;
  }
  writeStorage(KEY, JSON.stringify(kept));
}

export function dropDraft(key: string): void {
  const { [key]: _, ...others } = stored();
  writeStorage(KEY, JSON.stringify(others));
}

function stored(): Record<string, Draft> {
  try {
    const found: unknown = JSON.parse(readStorage(KEY) ?? '{}');
    if (typeof found !== 'object' || found === null) return {};
    return Object.fromEntries(Object.entries(found).filter(([, each]) => isDraft(each)));
  } catch {
    return {};
  }
}

/** What an older page left may have another form. */
function isDraft(each: unknown): each is Draft {
  if (typeof each !== 'object' || each === null) return false;
  const { seen, base, rules, yaml, baseYaml, leads } = each as Partial<Draft>;
  return typeof seen === 'number' && Array.isArray(base) && Array.isArray(rules) && typeof yaml === 'string' && typeof baseYaml === 'string' && (leads === 'rules' || leads === 'yaml');
}
