/** What the page itself must know of the query grammar: words to highlight, terms to add, what is being typed. */

export const FIELDS = ['psm', 'cluster', 'host', 'level', 'folder', 'file', 'line', 'logid', 'span', 'process', 'thread', 'stack', 'message', 'stack_hash'];

/** Folders of the log road; the platform completes the other fields. */
export const FOLDERS = ['app', 'rpc', 'python', 'run', 'uwsgi', 'client'];

const TOKEN = /(?<not>-|\bNOT\s+)?(?:(?<field>[A-Za-z_](?:[A-Za-z0-9_.-]*[A-Za-z0-9_.])?)(?<op>:|>=|<=|>|<)(?!\/\/))?(?<part>~)?(?:"(?<phrase>(?:\\.|[^"\\])*)"|(?<word>[^\s()"]+))/gu;

export interface Piece {
  from: number;
  to: number;
  kind: 'field' | 'operator' | 'phrase' | 'not';
}

/** The parts of a query that are not plain words, for colouring. */
export function pieces(query: string): Piece[] {
  const found: Piece[] = [];
  const pattern = /"(?:\\.|[^"\\])*"?|\b(?:OR|AND|NOT)\b|[()~]|(?<=^|[\s(])-(?=\S)|(?<=^|[\s(-])[A-Za-z_][A-Za-z0-9_.-]*(?::|>=|<=|>|<)(?=[^\s\/])/gu;
  for (const match of query.matchAll(pattern)) {
    const [text] = match;
    const kind = text.startsWith('"') ? 'phrase' : text === '-' || text === 'NOT' ? 'not' : /[:<>=]$/.test(text) ? 'field' : 'operator';
    found.push({ from: match.index, to: match.index + text.length, kind });
  }
  return found;
}

/** Matches what the query's words and phrases match in a text; null when it has none. */
export function highlighter(query: string): RegExp | null {
  const patterns = new Set<string>();
  for (const { groups = {} } of query.matchAll(TOKEN)) {
    const text = groups.phrase?.replace(/\\(.)/g, '$1') ?? groups.word ?? '';
    if (groups.not || /^(OR|AND|NOT)$/.test(text) || !/[\p{L}\p{N}]/u.test(text)) continue;
    if (groups.field && !['message', 'stack'].includes(groups.field)) continue;
    patterns.add(patternOf(text, groups.part !== undefined));
  }
  return patterns.size ? new RegExp([...patterns].join('|'), 'giu') : null;
}

/** Words are whole tokens; where one side is Chinese, or the query says so, they are found inside others. */
function patternOf(text: string, anywhere: boolean): string {
  const open = text.endsWith('*');
  if (anywhere) return escaped(text);
  const words = text.match(/[\p{L}\p{N}]+/gu) ?? [];
  const bare = words.join(' ');
  const before = /^[a-z0-9]/i.test(bare) ? '(?<![a-z0-9])' : '';
  const after = !open && /[a-z0-9]$/i.test(bare) ? '(?![a-z0-9])' : '';
  return before + words.map(escaped).join('[^\\p{L}\\p{N}]+') + after;
}

function escaped(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\\/]/g, '\\$&');
}

/** What a key of a line's own pairs is called in a query; null when no query can name it. */
export function fieldNamed(key: string): string | null {
  if (!/^[A-Za-z_](?:[A-Za-z0-9_.-]*[A-Za-z0-9_.])?$/.test(key)) return null;
  return FIELDS.includes(key.toLowerCase()) ? `fields.${key}` : key;
}

/** `field:value`, quoted where the grammar needs it. */
export function term(field: string, value: string): string {
  const plain = /^[\p{L}\p{N}_][\p{L}\p{N}_.\-/]*$/u.test(value) && !/^(OR|AND|NOT)$/.test(value);
  return `${field}:${plain ? value : `"${value.replace(/["\\]/g, '\\$&')}"`}`;
}

/** The query with a term added, once. */
export function withTerm(query: string, added: string): string {
  const trimmed = query.trim();
  if (!trimmed) return added;
  if (` ${trimmed} `.includes(` ${added} `)) return trimmed;
  // OR binds weaker than the implicit AND: what is added must hold for the whole.
  const whole = /(^|\s)OR(\s|$)/.test(trimmed.replace(/"(?:\\.|[^"\\])*"|\([^()]*\)/g, '')) ? `(${trimmed})` : trimmed;
  return `${whole} ${added}`;
}

export interface Typing {
  /** The field whose value is being typed, or null while a field's name may be. */
  field: string | null;
  prefix: string;
  /** What a completion replaces. */
  from: number;
  to: number;
}

/** What is being typed just before the caret, if it can be completed. */
export function typingAt(query: string, caret: number): Typing | null {
  const before = query.slice(0, caret);
  if ((before.match(/(?<!\\)"/g)?.length ?? 0) % 2) return null;
  const value = /(?:^|[\s(-])([a-z_]+):(?:\((?:[^()"]|"[^"]*")*?(?<=[\s(]))?([^\s()"]*)$/i.exec(before);
  if (value?.[1]) return { field: value[1], prefix: value[2] ?? '', from: caret - (value[2]?.length ?? 0), to: caret };
  const name = /(?:^|[\s(-])([a-z_]+)$/i.exec(before);
  if (name?.[1]) return { field: null, prefix: name[1], from: caret - name[1].length, to: caret };
  return null;
}

/** An offset in characters, as the platform counts, as one in UTF-16 units. */
export function unitOffset(text: string, characters: number): number {
  return [...text].slice(0, characters).join('').length;
}
