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

const GIVEN_UP = 'callee_took_longer';

/** Where a caller is known to have stopped waiting, that its callee and the calls of that ended later is no further news. */
const EXPLAINED = new Set(['outlives_parent', 'outlives_chain']);

export function findingsOf(chain: Chain, t: Texts): Finding[] {
  const at = new Map<string, Set<string>>();
  const note = (flags: string[], key: string) => at.set(key, new Set([...(at.get(key) ?? []), ...flags]));
  const givenUp = nodesGivenUp(chain);
  for (const node of chain.nodes) note(unexplained(node.flags, givenUp.has(node.no)), nodeKey(node.no));
  for (const call of chain.calls) note(unexplained(call.flags, call.flags.includes(GIVEN_UP) || givenUp.has(call.caller_no)), callKey(call));
  const rows = new Map<string, string[]>();
  for (const [key, flags] of at)
    for (const flag of flags) rows.set(flag, [...(rows.get(flag) ?? []), key]);
  // A flag without a row is about the chain as a whole.
  const placed = new Set([...chain.nodes, ...chain.calls].flatMap((each) => each.flags));
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

function unexplained(flags: string[], givenUp: boolean): string[] {
  return givenUp ? flags.filter((flag) => !EXPLAINED.has(flag)) : flags;
}

/** Numbers of the nodes for which nobody waited to the end: callees that were given up, and what is below them. */
function nodesGivenUp(chain: Chain): Set<number> {
  const found = new Set(chain.calls.filter((call) => call.flags.includes(GIVEN_UP)).map((call) => call.callee_no));
  let above = Infinity; // The depth of the given-up node that those that follow are below of.
  for (const node of chain.nodes) {
    if (node.depth <= above) above = Infinity;
    if (found.has(node.no) && above === Infinity) above = node.depth;
    else if (above !== Infinity) found.add(node.no);
  }
  return found;
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
