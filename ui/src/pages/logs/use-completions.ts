import { useEffect, useState } from 'preact/hooks';
import { getJson } from '../../api/client';
import { recentQueries } from './history';
import type { Completions as Answer } from '../../api.gen';
import { FIELDS, FOLDERS, term, typingAt, type Typing } from './query-text';

export interface Choice {
  kind: 'field' | 'value' | 'recent';
  /** What is shown. */
  text: string;
  /** What replaces it. */
  insert: string;
}

export interface Completions {
  choices: Choice[];
  typing: Typing | null;
}

const ASKED = ['psm', 'cluster', 'host', 'level'];
const WAIT_MS = 120;
const MOST = 12;

/** What could come next at the caret; recent queries where nothing has been typed. */
export function useCompletions(query: string, caret: number, wanted: boolean): Completions {
  const [values, setValues] = useState<{ key: string; values: string[] }>({ key: '', values: [] });
  const typing = wanted ? typingAt(query, caret) : null;
  const asked = typing?.field && ASKED.includes(typing.field) ? typing : null;
  const key = asked ? `${asked.field} ${asked.prefix}` : '';

  useEffect(() => {
    if (!asked?.field) return undefined;
    const aborter = new AbortController();
    const params = new URLSearchParams({ field: asked.field, prefix: asked.prefix });
    const timer = setTimeout(() => {
      getJson<Answer>(`/api/logs/completions?${params}`, aborter.signal).then(
        (answer) => setValues({ key, values: answer.values }),
        () => undefined, // no completion, no harm
      );
    }, WAIT_MS);
    return () => {
      clearTimeout(timer);
      aborter.abort();
    };
  }, [key]);

  if (wanted && !query.trim()) return { typing: null, choices: recentQueries().map((text) => ({ kind: 'recent', text, insert: text })) };
  if (!typing) return { typing, choices: [] };
  return { typing, choices: typing.field === null ? fieldChoices(typing) : valueChoices(typing.field, typing, asked && values.key === key ? values.values : []) };
}

function fieldChoices({ prefix }: Typing): Choice[] {
  const low = prefix.toLowerCase();
  return FIELDS.filter((field) => field.startsWith(low)).map((field) => ({ kind: 'field', text: `${field}:`, insert: `${field}:` }));
}

function valueChoices(field: string, { prefix }: Typing, asked: string[]): Choice[] {
  const values = field === 'folder' ? FOLDERS.filter((each) => each.startsWith(prefix)) : asked;
  return values
    .filter((value) => value !== prefix)
    .slice(0, MOST)
    .map((value) => ({ kind: 'value', text: value, insert: `${term(field, value).slice(field.length + 1)} ` }));
}
