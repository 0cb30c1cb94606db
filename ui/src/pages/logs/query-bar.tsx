import type { ComponentChildren } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import type { ApiError } from '../../api/client';
import { Icon } from '../../components/icon';
import { HelpDialog } from './help-dialog';
import { rememberQuery } from './history';
import { QueryInput } from './query-input';
import { SearchRange } from './range-picker';
import type { Range, SearchState, Span } from './search-url';
import { useTexts } from './texts';

interface Props {
  state: SearchState;
  span: Span;
  error: ApiError | undefined;
  busy: boolean;
  /** Ask the same question once more. */
  again: () => void;
  /** What else can be done with the search. */
  children: ComponentChildren;
}

/** The query, its range of time, and what the platform did not understand of it. */
export function QueryBar({ state, span, error, busy, again, children }: Props) {
  const t = useTexts();
  const { search, go } = state;
  const [draft, setDraft] = useState(search.q);
  const [help, setHelp] = useState(false);
  useEffect(() => setDraft(search.q), [search.q]);
  useHelpKey(() => setHelp(true));

  const ask = (q: string) => {
    rememberQuery(q);
    if (q.trim() === search.q.trim()) again();
    else go({ q: q.trim() });
  };
  const misunderstood = error?.status === 400 && draft.trim() === search.q.trim() ? error : undefined;
  return (
    <div class="query-bar">
      <form
        role="search"
        class="query-row"
        onSubmit={(event) => {
          event.preventDefault();
          ask(draft);
        }}
      >
        <QueryInput value={draft} wrong={misunderstood?.at} onInput={setDraft} onSearch={ask} />
        <button type="button" class="quiet help-button" title={t.help.open} aria-label={t.help.open} onClick={() => setHelp(true)}>
          <Icon name="question" />
        </button>
        <SearchRange range={search.range} span={span} onPick={(range: Range) => go({ range, zoomedFrom: [] })} />
        <button type="submit" class="button" aria-busy={busy}>
          {t.query.search}
        </button>
        <div class="search-tools">{children}</div>
      </form>
      <p id="query-error" class="query-error" role="alert" data-testid="query-error">
        {misunderstood && (
          <>
            {misunderstood.at && <strong>{t.query.at(misunderstood.at.offset + 1)} </strong>}
            {misunderstood.message.replace(/ \(character \d+ of the query\)$/, '')}{' '}
            {misunderstood.literal && (
              <>
                <button type="button" class="link" data-testid="literal" onClick={() => go({ q: misunderstood.literal })}>
                  {t.query.literal}
                </button>{' '}
              </>
            )}
            <button type="button" class="link" onClick={() => setHelp(true)}>
              {t.help.open}
            </button>
          </>
        )}
      </p>
      {help && <HelpDialog onClose={() => setHelp(false)} />}
    </div>
  );
}

/** `?` anywhere but in a field. */
function useHelpKey(open: () => void): void {
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      const inField = event.target instanceof HTMLElement && event.target.matches('input, select, textarea');
      if (event.key !== '?' || event.ctrlKey || event.metaKey || event.altKey || inField) return;
      event.preventDefault();
      open();
    };
    document.addEventListener('keydown', onKey);
    return () => document.removeEventListener('keydown', onKey);
  }, []);
}
