import type { Declaration, PsmDetail } from '../../api.gen';

/** What stands in the fields of the form. */
export interface Draft {
  owners: string;
  description: string;
  docs: string;
  repository: string;
  on_call: string;
  tier: string;
}

export type Field = keyof Draft;

export const FIELDS: readonly Field[] = ['owners', 'description', 'docs', 'repository', 'on_call', 'tier'];
/** Those that a product or a subsystem has. */
export const GROUP_FIELDS: readonly Field[] = ['owners', 'description'];

export function draftOf({ owners, tier, ...texts }: Declaration): Draft {
  return { ...texts, owners: owners.join(', '), tier: tier === null ? '' : String(tier) };
}

export function declarationOf({ owners, tier, ...texts }: Draft): Declaration {
  return { ...texts, owners: ownersOf(owners), tier: tier === '' ? null : Number(tier) };
}

/** The fields in which two drafts say something different. */
export function differing(one: Draft, other: Draft): Field[] {
  const plain = (draft: Draft) => draftOf(declarationOf(draft));
  return FIELDS.filter((field) => plain(one)[field].trim() !== plain(other)[field].trim());
}

/** The field that a refusal is about, and what is wrong with it: `owners[1]: 'x' is given twice`. */
export function faultOf(message: string): { field: Field; reason: string } | undefined {
  const [, name, reason] = /^(\w+)(?:\[\d+\])?: (.*)$/s.exec(message) ?? [];
  const field = FIELDS.find((each) => each === name);
  return field && reason ? { field, reason } : undefined;
}

/** The details of a name of which nothing is known. */
export function emptyDetail(name: string): PsmDetail {
  return {
    name,
    kind: (['product', 'subsystem', 'psm'] as const)[Math.min(name.split('.').length, 3) - 1] ?? 'psm',
    version: 0,
    declared: { owners: [], description: '', docs: '', repository: '', on_call: '', tier: null },
    owners: [],
    owners_from: 'none',
    claimable: true,
    may_change: true,
    mine: false,
    like: [],
    seen_days: 0,
    seen_known: true,
    registered: { state: 'never', owners: [], language: '', framework: '', clusters: [], instances: 0 },
    seen: null,
    history: [],
    older_changes: 0,
  };
}

function ownersOf(text: string): string[] {
  return text
    .split(/[,，;；\n]/)
    .map((owner) => owner.trim())
    .filter(Boolean);
}
