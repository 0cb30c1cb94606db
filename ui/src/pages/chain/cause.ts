import type { ChainCall, ChainNode } from '../../api.gen';
import { isFailed, type Item, type Tree } from './tree';

/** Where the failure of a chain began. */
export interface Cause {
  item: Item;
  record: ChainNode | ChainCall;
  /** Whether the calls that entered the chain failed with it, or answered all the same. */
  fatal: boolean;
}

/**
 * The failure that the others follow from: from the failed entry downwards along what failed first, to the call
 * below which nothing failed. Without a failed entry, the first such call of the whole chain; none if nothing failed.
 */
export function causeOf(tree: Tree): Cause | undefined {
  const entry = earliest(tree.roots.filter(failure));
  let item = entry ?? earliest(tree.items.filter((each) => failure(each) && !each.children.some(failure)));
  for (let next = item; next; next = earliest(next.children.filter(failure))) item = next;
  const record = item && failure(item);
  return item && record ? { item, record, fatal: entry !== undefined } : undefined;
}

/** The record of a failure, on the server's side or else on its caller's, who may not have waited for the answer. */
function failure({ node, call }: Item): ChainNode | ChainCall | undefined {
  return [node, call].find((record) => record?.status === 'ERROR') ?? undefined;
}

/** Whether a failure only passes on what a call below it says. */
export function isPassedOn(item: Item): boolean {
  const own = messageOf(item);
  if (!own || !isFailed(item) || item.failedBelow === 0) return false;
  return item.children.some((child) => isFailed(child) && (repeats(own, messageOf(child)) || repeats(own, child.call?.message ?? '')));
}

/** Whether one message holds the other: nobody needs to read both. */
export function repeats(one: string, other: string): boolean {
  return one !== '' && other !== '' && (one.includes(other) || other.includes(one));
}

function messageOf({ node, call }: Item): string {
  return (node ?? call)?.message ?? '';
}

function earliest(items: readonly Item[]): Item | undefined {
  const offset = ({ node, call }: Item) => (call ?? node)?.offset_ms ?? 0;
  return items.reduce<Item | undefined>((first, item) => (first === undefined || offset(item) < offset(first) ? item : first), undefined);
}
