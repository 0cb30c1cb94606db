import { pathTo } from '../../paths';
import { RANGES, type SearchState } from './search-url';
import { useTexts } from './texts';
import { FILTER_FIELDS } from './filter-fields';

/** What to try when a search finds nothing. */
export function NothingFound({ state, literal = '' }: { state: SearchState; literal?: string }) {
  const t = useTexts();
  const { search, go } = state;
  const filtered = FILTER_FIELDS.some((field) => search.filters[field].length > 0);
  const long = 'quick' in search.range ? RANGES[search.range.quick] >= RANGES['10d'] : false;
  const clear = Object.fromEntries(FILTER_FIELDS.map((field) => [field, []])) as unknown as typeof search.filters;
  return (
    <div class="nothing" data-testid="nothing">
      <h3>{t.nothing.title}</h3>
      <ul>
        {literal && (
          <li>
            <button type="button" class="link" data-testid="literal" onClick={() => go({ q: literal })}>
              {t.query.literal}
            </button>
          </li>
        )}
        {!long && (
          <li>
            <button type="button" class="link" onClick={() => go({ range: { quick: '10d' }, zoomedFrom: [] })}>
              {t.nothing.longer}
            </button>
          </li>
        )}
        {filtered && (
          <li>
            <button type="button" class="link" onClick={() => go({ filters: clear })}>
              {t.facets.clearAll}
            </button>
          </li>
        )}
        {search.q && <li>{t.nothing.words}</li>}
        <li>{search.tab === 'client' ? t.nothing.client : search.tab === 'stack' ? t.nothing.stack : t.nothing.arriving}</li>
      </ul>
      <p>
        <a href={pathTo('logs', { rest: 'manual' })}>{t.nav.manual}</a>
      </p>
    </div>
  );
}
