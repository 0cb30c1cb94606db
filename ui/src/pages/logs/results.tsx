import { useEffect, useMemo, useRef } from 'preact/hooks';
import { Icon } from '../../components/icon';
import { Trouble } from '../../components/trouble';
import { count, duration } from '../../format';
import { useMessages } from '../../i18n';
import { pathTo } from '../../paths';
import { type Results, useResults } from './api';
import { LineDetail, type LineActions } from './line-detail';
import { LineList } from './line-list';
import { LinkedLine } from './linked-line';
import { NothingFound } from './nothing-found';
import { formatSearch, type SearchState, type Span } from './search-url';
import { useTexts } from './texts';
import { crossesDays } from './time-axis';
import type { Histogram, Line } from '../../api.gen';
import { useFilterActions } from './use-filter-actions';
import { useOpenLines } from './use-open-lines';

interface Props {
  state: SearchState;
  params: string;
  span: Span;
  round: number;
  total: Histogram | undefined;
  pattern: RegExp | null;
  /** The page already says that the platform is in trouble. */
  explained: boolean;
  again: () => void;
}

/** The lines found, page after page while the reader scrolls. */
export function ResultPanel({ state, params, span, round, total, pattern, explained, again }: Props) {
  const t = useTexts();
  const { search, patch } = state;
  const results = useResults(`${params}&order=${search.oldestFirst ? 'asc' : 'desc'}`, round);
  const { lines, first, pending, error } = results;
  const { open, toggle } = useOpenLines(state);
  const actions = useLineActions(state, span);
  const waiting = pending && lines.length === 0;
  const goal = useRef(search.open).current;
  return (
    <section class="card results" aria-labelledby="results-title" aria-busy={pending}>
      <header class="card-head results-head">
        <h2 id="results-title" data-testid="total">
          {total ? t.results.total(count(total.total), total.total) : t.results.lines}
        </h2>
        <p class="card-sub" aria-live="polite">
          {pending ? t.results.searching : first && t.results.took(duration(first.took_ms))}
        </p>
        <button type="button" class="quiet" onClick={() => patch({ oldestFirst: !search.oldestFirst })}>
          <Icon name={search.oldestFirst ? 'up' : 'down'} />
          {search.oldestFirst ? t.results.oldestFirst : t.results.newestFirst}
        </button>
      </header>
      {error && error.status !== 400 && !explained && (
        <Trouble query={{ data: undefined, error, receivedAt: 0, pending, refresh: again }} retrying={false} />
      )}
      {first?.logid && !pending && (
        <p class="hint" data-testid="logid-hint">
          {t.results.isLogid} <a href={pathTo('chain', { logid: first.logid })}>{t.detail.chain}</a>
        </p>
      )}
      {first && first.taken_as_text.length > 0 && !pending && (
        <p class="hint" data-testid="taken-as-text">
          {t.results.takenAsText(first.taken_as_text.map(({ text }) => text).join(' · '))}
        </p>
      )}
      {search.open && first && !pending && !lines.some(({ id }) => id === search.open) && (
        <LinkedLine id={search.open} client={search.tab === 'client'} pattern={pattern} actions={actions} onClose={() => patch({ open: '' })} />
      )}
      {waiting && !error && <WaitingLines />}
      {!pending && !error && lines.length === 0 && <NothingFound state={state} literal={first?.literal ?? ''} />}
      {lines.length > 0 && (
        <LineList
          lines={lines}
          open={open}
          onToggle={toggle}
          detail={(line) => <LineDetail line={line} pattern={pattern} actions={actions} />}
          client={search.tab === 'client'}
          dated={crossesDays(span)}
          pattern={pattern}
          stale={pending || error !== undefined}
          goal={goal}
        />
      )}
      <More results={results} oldestFirst={search.oldestFirst} />
    </section>
  );
}

/** Asks for the next page when the reader comes near the end. */
function More({ results, oldestFirst }: { results: Results; oldestFirst: boolean }) {
  const t = useTexts();
  const common = useMessages();
  const mark = useRef<HTMLDivElement>(null);
  const newest = useRef(results);
  newest.current = results;
  const { more, loadingMore, moreError, pending, lines } = results;
  useEffect(() => {
    if (!mark.current || !more) return undefined;
    const observer = new IntersectionObserver(([entry]) => entry?.isIntersecting && !newest.current.moreError && newest.current.loadMore(), { rootMargin: '600px' });
    observer.observe(mark.current);
    return () => observer.disconnect();
  }, [more, lines.length]);
  if (pending || lines.length === 0) return null;
  return (
    <div class="results-end" ref={mark}>
      {loadingMore ? (
        <span class="dim">{common.loading}</span>
      ) : more ? (
        <>
          {moreError && <span class="bad-text">{moreError.message || common.trouble.away} </span>}
          <button type="button" class="link" onClick={results.loadMore}>
            {oldestFirst ? t.results.newer : t.results.older}
          </button>
        </>
      ) : (
        <span class="dim">{t.results.end(lines.length)}</span>
      )}
    </div>
  );
}

export function WaitingLines() {
  return (
    <div class="lines-waiting" aria-hidden="true">
      {Array.from({ length: 14 }, (_, index) => (
        <p key={index} class="placeholder">
          <i />
        </p>
      ))}
    </div>
  );
}

/** Links show the line among its neighbours in time, whatever the reader's own range is called. */
export function useLineActions(state: SearchState, span: Span): LineActions {
  const { include, exclude } = useFilterActions(state);
  return useMemo(
    () => ({
      include,
      exclude,
      linkTo: (line: Line) => {
        const since = Math.min(span.since, line.ts - 60);
        const range = { since, until: Math.max(line.ts + 1, Math.min(span.until, line.ts + 60)) };
        return location.origin + formatSearch({ ...state.search, live: false, zoomedFrom: [], range, open: line.id });
      },
    }),
    [state.search, span],
  );
}
