/** A decision of a policy on a call, as the note of its gate says it: `would reject: access v7 method=Get`. */
export interface Decision {
  /** What was decided, e.g. `would reject` or `routed to canary (10%)`. */
  what: string;
  kind: string;
  version: string;
  /** For which calls the rule is; empty for every call. */
  scope: string;
  tone: 'bad' | 'mild' | 'plain';
}

const FORM = /^(.+?): ([a-z_]+) v(\d+)(?: (.+))?$/;

/** The decision that a note tells of; undefined for a note about something else. */
export function decisionOf(note: string): Decision | undefined {
  const found = FORM.exec(note);
  if (!found) return undefined;
  const [, what = '', kind = '', version = '', scope = ''] = found;
  return { what, kind, version, scope, tone: toneOf(what) };
}

function toneOf(what: string): Decision['tone'] {
  if (/^(rejected|refused|switched off)/.test(what)) return 'bad';
  return /^(would |fallback|not as the rule says|all )/.test(what) ? 'mild' : 'plain';
}
