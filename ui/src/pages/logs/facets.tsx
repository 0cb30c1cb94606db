import { useState } from 'preact/hooks';
import { Icon } from '../../components/icon';
import { compact, count } from '../../format';
import { byGravity, toneOf } from './levels';
import type { Filters, Search } from './search-url';
import { useTexts } from './texts';
import type { Facets as Answer, FacetValue } from '../../api.gen';
import { FILTER_FIELDS, type FilterField } from './filter-fields';

const SHOWN = 8;

export interface FacetActions {
  toggle: (field: FilterField, value: string) => void;
  exclude: (field: string, value: string) => void;
  clear: (field?: FilterField) => void;
}

/** The values of the fields that narrow a search, with how many lines each has. */
export function Facets({ answer, search, actions, stale }: { answer: Answer | undefined; search: Search; actions: FacetActions; stale: boolean }) {
  const t = useTexts();
  const fields = FILTER_FIELDS.filter((field) => field !== 'folder' || search.tab !== 'client');
  const empty = answer && fields.every((field) => !answer.facets[field]?.length && !search.filters[field].length);
  if (empty) return <p class="facets-none dim">{t.facets.none}</p>;
  return (
    <div class={stale ? 'stale' : undefined}>
      {fields.map((field) => (
        <Facet key={field} field={field} values={answer?.facets[field]} chosen={search.filters[field]} actions={actions} />
      ))}
    </div>
  );
}

function Facet({ field, values, chosen, actions }: { field: FilterField; values: FacetValue[] | undefined; chosen: string[]; actions: FacetActions }) {
  const t = useTexts();
  const [all, setAll] = useState(false);
  const known = (values ?? []).filter(({ value }) => value !== '');
  const listed = [...chosen.filter((value) => !known.some((each) => each.value === value)).map((value) => ({ value, count: 0 })), ...known];
  if (field === 'level') listed.sort((a, b) => byGravity(a.value, b.value));
  if (values && listed.length === 0) return null;
  const shown = all ? listed : listed.slice(0, SHOWN);
  return (
    <section class="facet" data-field={field}>
      <h3>
        {t.filters[field]}
        {chosen.length > 0 && (
          <button type="button" class="link" onClick={() => actions.clear(field)}>
            {t.facets.clear}
          </button>
        )}
      </h3>
      {values === undefined && <p class="facet-wait placeholder"><i /></p>}
      <ul>
        {shown.map(({ value, count: lines }) => (
          <li key={value} class={chosen.includes(value) ? 'chosen' : undefined}>
            <button
              type="button"
              class="facet-value"
              aria-pressed={chosen.includes(value)}
              title={`${value} · ${count(lines)}`}
              data-testid="facet"
              onClick={() => actions.toggle(field, value)}
            >
              <i class="facet-box">{chosen.includes(value) && <Icon name="check" />}</i>
              {field === 'level' && <i class={`swatch lv-${toneOf(value)}`} />}
              <span>{value}</span>
              <small>{brief(lines)}</small>
            </button>
            <button type="button" class="facet-not" title={t.facets.exclude(value)} aria-label={t.facets.exclude(value)} onClick={() => actions.exclude(field, value)}>
              <Icon name="minus" />
            </button>
          </li>
        ))}
      </ul>
      {listed.length > SHOWN && (
        <button type="button" class="link facet-more" onClick={() => setAll(!all)}>
          {all ? t.facets.fewer : t.facets.more(listed.length - SHOWN)}
        </button>
      )}
    </section>
  );
}

/** 12.3k: a narrow column has no room for more. */
function brief(value: number): string {
  if (value < 10_000) return count(value);
  return value < 1e6 ? `${compact(value / 1000)}k` : `${compact(value / 1e6)}M`;
}

/** The filters in force, each to be taken away. */
export function FilterChips({ filters, actions }: { filters: Filters; actions: FacetActions }) {
  const t = useTexts();
  const chosen = FILTER_FIELDS.flatMap((field) => filters[field].map((value) => [field, value] as const));
  if (chosen.length === 0) return null;
  return (
    <ul class="filter-chips" data-testid="chips">
      {chosen.map(([field, value]) => (
        <li key={`${field} ${value}`}>
          <button type="button" class="filter-chip" title={t.facets.remove(value)} onClick={() => actions.toggle(field, value)}>
            <span class="dim">{t.filters[field]}</span> {value}
            <Icon name="close" />
          </button>
        </li>
      ))}
      {chosen.length > 1 && (
        <li>
          <button type="button" class="link" onClick={() => actions.clear()}>
            {t.facets.clearAll}
          </button>
        </li>
      )}
    </ul>
  );
}
