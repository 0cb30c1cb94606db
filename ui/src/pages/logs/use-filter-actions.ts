import type { FacetActions } from './facets';
import { term, withTerm } from './query-text';
import type { Filters, SearchState } from './search-url';
import { FILTER_FIELDS, isFilterField } from './filter-fields';

export interface FilterActions extends FacetActions {
  include: (field: string, value: string) => void;
}

/** Narrowing a search: chosen values are filters of their own, everything else becomes part of the query. */
export function useFilterActions({ search, go }: SearchState): FilterActions {
  const { filters, q } = search;
  const set = (changes: Partial<Filters>, query = q) => go({ filters: { ...filters, ...changes }, q: query });
  return {
    toggle: (field, value) => {
      const chosen = filters[field];
      set({ [field]: chosen.includes(value) ? chosen.filter((each) => each !== value) : [...chosen, value] });
    },
    clear: (field) => set(Object.fromEntries((field ? [field] : FILTER_FIELDS).map((each) => [each, []]))),
    include: (field, value) => {
      if (!isFilterField(field)) go({ q: withTerm(q, term(field, value)) });
      else if (!filters[field].includes(value)) set({ [field]: [...filters[field], value] });
    },
    exclude: (field, value) => {
      const query = withTerm(q, `-${term(field, value)}`);
      if (isFilterField(field)) set({ [field]: filters[field].filter((each) => each !== value) }, query);
      else go({ q: query });
    },
  };
}
