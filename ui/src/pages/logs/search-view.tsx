import { useMemo, useState } from 'preact/hooks';
import { useQuery } from '../../api/query';
import { CopyButton } from '../../components/copy-button';
import { Icon } from '../../components/icon';
import { Trouble } from '../../components/trouble';
import { useTitle } from '../../title';
import { Facets, FilterChips } from './facets';
import { Histogram } from './histogram';
import { QueryBar } from './query-bar';
import { highlighter } from './query-text';
import { ResultPanel } from './results';
import { RunAsTask } from './run-as-task';
import { apiParams, formatSearch, type Range, type SearchState, spanOf } from './search-url';
import { StackGroups } from './stack-groups';
import { TailPanel } from './tail-panel';
import { useTexts } from './texts';
import type { Facets as FacetAnswer, Histogram as HistogramAnswer } from '../../api.gen';
import { useFilterActions } from './use-filter-actions';

const BUCKETS = 80;
const ONCE = () => null;

/** A search: by keyword, by error stack, or among client logs. */
export function SearchView({ state }: { state: SearchState }) {
  const t = useTexts();
  const { search, go } = state;
  const { tab, q, filters, live } = search;
  const [round, setRound] = useState(0);
  const [filtersShown, setFiltersShown] = useState(false);
  useTitle(q ? `${q} · ${t.nav[tab]}` : t.nav[tab]);

  // A relative range is fixed when the search is made: its pages and its histogram speak of the same time.
  const question = formatSearch({ ...search, open: '', live: false, zoomedFrom: [], oldestFirst: false });
  const span = useMemo(() => spanOf(search.range, Date.now() / 1000), [question, live, round]);
  const params = apiParams(search, span).toString();
  const histogram = useQuery<HistogramAnswer>(`/api/logs/histogram?${params}&buckets=${BUCKETS}`, ONCE, true);
  const facets = useQuery<FacetAnswer>(`/api/logs/facets?${params}`, ONCE, true);
  const misunderstood = histogram.error?.status === 400;
  const pattern = useMemo(() => (misunderstood ? null : highlighter(q)), [q, misunderstood]);
  const actions = useFilterActions(state);
  const again = () => {
    setRound(round + 1);
    if (!('quick' in search.range)) for (const query of [histogram, facets]) query.refresh();
  };
  const back = search.zoomedFrom.at(-1);
  const goBack = (range: Range) => go({ range, zoomedFrom: search.zoomedFrom.slice(0, -1) });
  return (
    <>
      <section class="card search-card">
        <QueryBar state={state} span={span} error={histogram.error} busy={histogram.pending} again={again}>
          {tab !== 'stack' && (
            <button type="button" class="quiet live-button" aria-pressed={live} title={t.tail.hint} data-testid="live" onClick={() => go({ live: !live })}>
              <Icon name={live ? 'stop' : 'play'} />
              {live ? t.tail.stop : t.tail.start}
            </button>
          )}
          <RunAsTask search={search} span={span} />
          <CopyButton text={() => location.origin + formatSearch({ ...search, live: false, zoomedFrom: [], range: span })} label={t.query.copyLink} />
        </QueryBar>
        <FilterChips filters={filters} actions={actions} />
        {!live && (
          <div class="histogram-box">
            {back && (
              <button type="button" class="quiet zoom-back" data-testid="zoom-back" onClick={() => goBack(back)}>
                <Icon name="back" />
                {t.histogram.back}
              </button>
            )}
            <Histogram answer={histogram.data} stale={histogram.pending || misunderstood} onZoom={(range) => go({ range, zoomedFrom: [...search.zoomedFrom, search.range] })} />
          </div>
        )}
      </section>
      {!misunderstood && <Trouble query={{ ...histogram, refresh: again }} retrying={false} />}
      <div class="search-body">
        <aside class={`card facets${filtersShown ? ' shown' : ''}`} aria-label={t.facets.title}>
          <button type="button" class="facets-toggle" aria-expanded={filtersShown} onClick={() => setFiltersShown(!filtersShown)}>
            <Icon name="filter" />
            {t.facets.title}
            <Icon name="fold" />
          </button>
          {(facets.data || facets.pending) && (
            <Facets answer={facets.data} search={search} actions={actions} stale={facets.pending && facets.data !== undefined} />
          )}
        </aside>
        {live ? (
          <TailPanel key={apiParams(search).toString()} state={state} pattern={pattern} />
        ) : tab === 'stack' ? (
          <StackGroups state={state} params={params} span={span} round={round} pattern={pattern} explained={histogram.error !== undefined} />
        ) : (
          <ResultPanel state={state} params={params} span={span} round={round} total={histogram.pending ? undefined : histogram.data} pattern={pattern} explained={histogram.error !== undefined} again={again} />
        )}
      </div>
    </>
  );
}
