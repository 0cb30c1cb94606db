import { FilterSelect } from '../../components/filter-select';
import { SearchField } from '../../components/search-field';
import { useMessages } from '../../i18n';
import type { UrlState } from '../../urlstate';
import { useTexts } from './texts';

export function ServiceFilters({ url }: { url: UrlState }) {
  const t = useTexts();
  const common = useMessages();
  return (
    <div class="filters">
      <SearchField label={t.filter} value={url.get('q')} onInput={(q) => url.patch({ q })} />
      <FilterSelect
        label={t.state}
        value={url.get('state')}
        options={[
          ['', t.allStates],
          ['running', common.states.running],
          ['stopped', common.states.stopped],
          ['never', common.states.never],
        ]}
        onChange={(state) => url.patch({ state })}
      />
    </div>
  );
}
