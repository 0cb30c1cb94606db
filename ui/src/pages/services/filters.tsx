import type { Service } from '../../api/types';
import { FilterSelect } from '../../components/filter-select';
import { useMessages } from '../../i18n';
import type { UrlState } from '../../urlstate';
import { clusterNames } from './view';

export function ServiceFilters({ services, url }: { services: Service[]; url: UrlState }) {
  const t = useMessages();
  const windows = t.services.windows;
  return (
    <div class="filters">
      <label class="field field-text">
        <span class="field-label">{t.services.filter}</span>
        <input
          type="search"
          value={url.get('q')}
          placeholder={t.services.filter}
          spellcheck={false}
          onInput={(event) => url.patch({ q: event.currentTarget.value.trim() })}
        />
      </label>
      <FilterSelect
        label={t.services.cluster}
        value={url.get('cluster')}
        options={[['', t.services.allClusters], ...withCurrent(clusterNames(services), url.get('cluster'))]}
        onChange={(cluster) => url.patch({ cluster })}
      />
      <FilterSelect
        label={t.services.state}
        value={url.get('state')}
        options={[
          ['', t.services.allStates],
          ['running', t.services.states.running],
          ['stopped', t.services.states.stopped],
          ['never', t.services.states.never],
        ]}
        onChange={(state) => url.patch({ state })}
      />
      <FilterSelect
        label={t.services.window}
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

/** A name chosen earlier stays a choice when its last instance leaves. */
export function withCurrent(names: string[], current: string): Array<readonly [string, string]> {
  const all = current && !names.includes(current) ? [...names, current] : names;
  return all.map((name) => [name, name] as const);
}
