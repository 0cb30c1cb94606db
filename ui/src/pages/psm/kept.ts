import type { Draft } from './draft';

/** Text that is not saved yet. It stays while the tab lives: over other rows, other pages and a reload. */
export interface Kept {
  /** The version of the declaration that the person began to change. */
  version: number;
  draft: Draft;
}

const KEY = 'pie-psm-drafts';
/** Names with a draft; the oldest ones go first. */
const MOST = 20;

const drafts = new Map<string, Kept>(stored());

export function keptDraft(name: string): Kept | undefined {
  return drafts.get(name);
}

export function keepDraft(name: string, kept: Kept): void {
  drafts.delete(name);
  drafts.set(name, kept);
  for (const oldest of [...drafts.keys()].slice(0, -MOST)) drafts.delete(oldest);
  store();
}

export function dropDraft(name: string): void {
  if (drafts.delete(name)) store();
}

function stored(): Array<[string, Kept]> {
  try {
    return JSON.parse(sessionStorage.getItem(KEY) ?? '[]') as Array<[string, Kept]>;
  } catch {
    return [];
  }
}

function store(): void {
  try {
    sessionStorage.setItem(KEY, JSON.stringify([...drafts]));
  } catch {
    return; // forbidden or full: kept until the page is loaded anew
  }
}
