import { useLocation } from 'preact-iso/router';
import { useEffect } from 'preact/hooks';
import { useMessages } from '../i18n';
import { visitKeysAt } from '../paths';
import { createStore, useStore } from '../store';
import { useUrlState } from '../urlstate';
import { DEFAULT_WINDOW, windowOf, WINDOWS } from '../visit';
import { FilterSelect } from './filter-select';

/** What the page on show has to choose a cluster from. */
const clusters = createStore<ReadonlyArray<readonly [name: string, text: string]>>([]);

/** A page with the key `cluster` says which clusters there are, as soon as it knows. */
export function useClusterChoices(choices: ReadonlyArray<readonly [name: string, text: string]>): void {
  const key = choices.map((choice) => choice.join('\t')).join('\n');
  useEffect(() => clusters.set(choices), [key]);
  useEffect(() => () => clusters.set([]), []);
}

/** The time range and the cluster of the visit, where the page on show follows them. */
export function VisitChoices() {
  const t = useMessages().visit;
  const { path } = useLocation();
  const url = useUrlState();
  const known = useStore(clusters);
  const keys = visitKeysAt(path);
  const cluster = url.get('cluster');
  const named = cluster && !known.some(([name]) => name === cluster) ? [...known, [cluster, t.noInstance(cluster)] as const] : known;
  if (keys.length === 0) return null;
  return (
    <div class="visit">
      {keys.includes('cluster') && (
        <FilterSelect label={t.cluster} value={cluster} options={[['', t.allClusters], ...named]} onChange={(name) => url.patch({ cluster: name })} />
      )}
      {keys.includes('window') && (
        <FilterSelect
          label={t.window}
          value={windowOf(url.get('window'))}
          neutral={DEFAULT_WINDOW}
          options={WINDOWS.map((seconds) => [seconds, t.windows[seconds]] as const)}
          onChange={(window) => url.patch({ window: window === DEFAULT_WINDOW ? '' : window })}
        />
      )}
    </div>
  );
}
