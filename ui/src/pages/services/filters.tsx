import type { Service } from '../../api.gen';
import { FilterSelect, withCurrent } from '../../components/filter-select';
import { SearchField } from '../../components/search-field';
import { useMessages } from '../../i18n';
import type { UrlState } from '../../urlstate';
import { useTexts } from './texts';
import { clusterNames } from './view';

export function ServiceFilters({ services, url }: { services: Service[]; url: UrlState }) {
  const t = useTexts();
  const common = useMessages();
  const windows = common.seconds;
  return (
    <div class="filters">
      <SearchField label={t.filter} value={url.get('q')} onInput={(q) => url.patch({ q })} />
      <FilterSelect
        label={t.cluster}
        value={url.get('cluster')}
        options={[['', t.allClusters], ...withCurrent(clusterNames(services), url.get('cluster'))]}
        onChange={(cluster) => url.patch({ cluster })}
      />
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
      <FilterSelect
        label={t.window}
        value={url.get('window') || '60'}
        neutral="60"
        options={[
          ['60', windows[60]],
          ['300', windows[300]],
          ['900', windows[900]],
          ['3600', windows[3600]],
        ]}
        onChange={(window) => url.patch({ window: window === '60' ? undefined : window })}
      />
    </div>
  );
}
