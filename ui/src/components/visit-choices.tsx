import { useLocation } from 'preact-iso/router';
import { useEffect } from 'preact/hooks';
import { useMessages } from '../i18n';
import { visitKeysAt } from '../paths';
import { createStore, useStore } from '../store';
import { useUrlState } from '../urlstate';
import { AGAINST, EVERY, rangePatch, useVisit, WINDOWS } from '../visit';
import { FilterSelect } from './filter-select';
import { RangePicker } from './range-picker';

/** What the page on show has to choose a cluster from. */
const clusters = createStore<ReadonlyArray<readonly [name: string, text: string]>>([]);

/** A page with the key `cluster` says which clusters there are, as soon as it knows. */
export function useClusterChoices(choices: ReadonlyArray<readonly [name: string, text: string]>): void {
  const key = choices.map((choice) => choice.join('\t')).join('\n');
  useEffect(() => clusters.set(choices), [key]);
  useEffect(() => () => clusters.set([]), []);
}

/** The time range, what it is compared with, and the cluster of the visit, where the page on show follows them. */
export function VisitChoices() {
  const t = useMessages().visit;
  const { path } = useLocation();
  const url = useUrlState();
  const visit = useVisit();
  const known = useStore(clusters);
  const keys = visitKeysAt(path);
  const { cluster, fixed } = visit;
  const named = cluster && !known.some(([name]) => name === cluster) ? [...known, [cluster, t.noInstance(cluster)] as const] : known;
  if (keys.length === 0) return null;
  const now = Math.floor(Date.now() / 1000);
  return (
    <div class="visit">
      {keys.includes('cluster') && (
        <FilterSelect label={t.cluster} value={cluster} options={[['', t.allClusters], ...named]} onChange={(name) => url.patch({ cluster: name })} />
      )}
      {keys.includes('window') && (
        <RangePicker
          quick={WINDOWS.map((seconds) => [seconds, t.last(t.windows[seconds])] as const)}
          chosen={fixed ?? visit.window}
          span={fixed ?? { since: now - visit.seconds, until: now }}
          onPick={(range) => url.push(rangePatch(typeof range === 'string' ? { window: range } : range))}
        />
      )}
      {keys.includes('against') && (
        <FilterSelect
          label={t.against}
          value={visit.against}
          options={AGAINST.map((each) => [each, t.againsts[each]] as const)}
          onChange={(against) => url.patch({ against })}
        />
      )}
      {keys.includes('window') && !fixed && (
        <FilterSelect
          label={t.every}
          value={visit.every}
          neutral={EVERY[0]}
          options={EVERY.map((each) => [each, t.everies[each]] as const)}
          onChange={(every) => url.patch({ every: every === EVERY[0] ? '' : every })}
        />
      )}
    </div>
  );
}
