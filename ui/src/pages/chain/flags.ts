import type { Chain } from '../../api.gen';
import { callKey, nodeKey } from './tree';
import type { Texts } from './texts.en';

/** A contradiction the platform found, in words, with the rows where it found it. */
export interface Finding {
  flag: string;
  label: string;
  explanation: string;
  contradiction: boolean;
  /** Keys of the tree items concerned; none when it is about the chain as a whole. */
  rows: string[];
}

/** Flags of times and names that contradict each other; the others say what is missing. */
const CONTRADICTIONS = new Set(['outlives_chain', 'before_parent', 'outlives_parent', 'callee_took_longer', 'cycle', 'duplicate_span']);

/** Where the caller is known to have stopped waiting, that it ended before its callee is no further news. */
const EXPLAINED: Record<string, string[]> = { callee_took_longer: ['outlives_parent', 'outlives_chain'] };

export function findingsOf(chain: Chain, t: Texts): Finding[] {
  const at = new Map<string, Set<string>>();
  const note = (flags: string[], key: string) => at.set(key, new Set([...(at.get(key) ?? []), ...flags]));
  for (const node of chain.nodes) note(node.flags, nodeKey(node.no));
  for (const call of chain.calls) note(call.flags, callKey(call));
  const rows = new Map<string, string[]>();
  for (const [key, flags] of at)
    for (const flag of unexplained([...flags])) rows.set(flag, [...(rows.get(flag) ?? []), key]);
  // A flag without a row is about the chain as a whole.
  const placed = new Set([...at.values()].flatMap((flags) => [...flags]));
  return chain.flags
    .filter((flag) => rows.has(flag) || !placed.has(flag))
    .map((flag) => ({
      flag,
      label: flagLabel(t, flag),
      explanation: flagText(t, flag),
      contradiction: isContradiction(flag),
      rows: rows.get(flag) ?? [],
    }));
}

function unexplained(flags: string[]): string[] {
  const explained = new Set(flags.flatMap((flag) => EXPLAINED[flag] ?? []));
  return flags.filter((flag) => !explained.has(flag));
}

export function isContradiction(flag: string): boolean {
  return CONTRADICTIONS.has(flag);
}

/** A flag of a newer platform is shown by its own name rather than not at all. */
export function flagLabel(t: Texts, flag: string): string {
  const known: Record<string, string> = t.flagLabels;
  return known[flag] ?? flag.replaceAll('_', ' ');
}

export function flagText(t: Texts, flag: string): string {
  const known: Record<string, string> = t.flags;
  return known[flag] ?? '';
}
