import type { Chain, ChainCall, ChainNode } from '../../api.gen';

/** One row of the tree: a node, or a call whose server side was never logged. */
export interface Item {
  /** Names the item in the URL: a node's number, or `s` and the span of an unlogged call. */
  key: string;
  parent: Item | null;
  depth: number;
  node: ChainNode | null;
  /** The caller's record of the call that led here, if there is one. */
  call: ChainCall | null;
  children: Item[];
  /** Items below this one, and how many of them failed. */
  below: number;
  failedBelow: number;
}

export interface Tree {
  roots: Item[];
  /** Every item, parents before their children. */
  items: Item[];
  byKey: Map<string, Item>;
}

export function nodeKey(no: number): string {
  return String(no);
}

/** The item a row of the call table belongs to. */
export function callKey(call: ChainCall): string {
  return call.callee_no >= 0 ? nodeKey(call.callee_no) : `s${call.span_id || call.start}`;
}

export function isFailed({ node, call }: Item): boolean {
  return (node ?? call)?.status === 'ERROR';
}

/** A call tried more than once has a row for the whole beside the rows of its attempts. */
export function isWholeOfAttempts(call: ChainCall): boolean {
  return call.attempt === 0 && call.attempts > 1;
}

export function buildTree({ nodes, calls }: Chain): Tree {
  const callTo = callsByCallee(calls);
  const items = new Map<string, Item>();
  for (const node of nodes) {
    const key = nodeKey(node.no);
    items.set(key, newItem(key, node, callTo.get(node.no) ?? null));
  }
  const roots: Item[] = [];
  const attach = (item: Item, parentNo: number | null) => {
    const parent = parentNo === null ? undefined : items.get(nodeKey(parentNo));
    item.parent = parent ?? null;
    (parent?.children ?? roots).push(item);
  };
  for (const node of nodes) {
    const item = items.get(nodeKey(node.no));
    if (item) attach(item, node.parent_no);
  }
  for (const call of calls) {
    if (call.callee_no >= 0 || isWholeOfAttempts(call)) continue;
    const item = newItem(callKey(call), null, call);
    items.set(item.key, item);
    attach(item, call.caller_no);
  }
  return { roots, items: settle(roots), byKey: items };
}

function newItem(key: string, node: ChainNode | null, call: ChainCall | null): Item {
  return { key, parent: null, depth: 0, node, call, children: [], below: 0, failedBelow: 0 };
}

/** The record nearest the wire: an attempt wins over the whole call it belongs to. */
function callsByCallee(calls: ChainCall[]): Map<number, ChainCall> {
  const found = new Map<number, ChainCall>();
  for (const call of calls) {
    const known = found.get(call.callee_no);
    if (!known || isWholeOfAttempts(known)) found.set(call.callee_no, call);
  }
  return found;
}

/** Orders siblings, numbers depths, counts what is below; returns the items in pre-order. */
function settle(roots: Item[]): Item[] {
  const order: Item[] = [];
  const visit = (siblings: Item[], depth: number) => {
    inOrder(siblings);
    for (const item of siblings) {
      item.depth = depth;
      order.push(item);
      visit(item.children, depth + 1);
    }
  };
  visit(roots, 0);
  for (const item of [...order].reverse()) {
    if (!item.parent) continue;
    item.parent.below += item.below + 1;
    item.parent.failedBelow += item.failedBelow + Number(isFailed(item));
  }
  return order;
}

/** Nodes stand by their numbers; a call without a node stands before the first node called after it. */
function inOrder(siblings: Item[]): void {
  const unlogged = siblings.filter(({ node }) => !node).sort((a, b) => startOf(a) - startOf(b));
  if (unlogged.length === 0) return;
  const ordered: Item[] = [];
  for (const item of siblings) {
    if (!item.node) continue;
    while (unlogged[0] && startOf(unlogged[0]) < startOf(item)) ordered.push(...unlogged.splice(0, 1));
    ordered.push(item);
  }
  siblings.splice(0, siblings.length, ...ordered, ...unlogged);
}

/** The caller's clock, where it is known, since that is the one siblings share. */
function startOf({ node, call }: Item): number {
  return (call ?? node)?.offset_ms ?? 0;
}
