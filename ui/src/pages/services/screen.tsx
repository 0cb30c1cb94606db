import { useEffect } from 'preact/hooks';
import { useQuery } from '../../api/query';
import type { Services } from '../../api.gen';
import { Updated } from '../../components/ago';
import { Icon } from '../../components/icon';
import { Trouble } from '../../components/trouble';
import { useClusterChoices } from '../../components/visit-choices';
import { useTitle } from '../../title';
import { useUrlState, withQuery } from '../../urlstate';
import { windowOf } from '../../visit';
import { EmptyFleet } from '../../components/empty-fleet';
import { ServiceFilters } from './filters';
import { RequestPanel } from '../../components/request-panel';
import { ServiceTable } from './table';
import { useTexts } from './texts';
import { arrange, clusterNames, instanceCount, REFRESH_MS } from './view';

export default function ServicesPage() {
  const t = useTexts();
  const url = useUrlState();
  const paused = url.get('paused') === '1';
  const cadence = () => (paused ? null : REFRESH_MS);
  const query = useQuery<Services>(withQuery('/api/services', { window: windowOf(url.get('window')) }), cadence, true);
  useTitle(t.title);
  useEffect(() => {
    if (!paused && query.data) query.refresh();
  }, [paused]);

  const services = query.data?.services;
  useClusterChoices(clusterNames(services ?? []).map((name) => [name, name]));
  const shown = services && arrange(services, url);
  return (
    <>
      <Trouble query={query} retrying={!paused} />
      <section class="card" aria-labelledby="services-title">
        <header class="card-head">
          <h1 id="services-title">{t.title}</h1>
          <p class="card-sub">
            {services && (
              <>
                {t.summary(services.length, instanceCount(services.flatMap(({ clusters }) => clusters)))}
                {' · '}
                {!query.data?.traffic_known && <span class="bad-text">{t.trafficAway} · </span>}
                {paused ? t.paused : <Updated at={query.receivedAt} />}
              </>
            )}
          </p>
          <button type="button" class="quiet" aria-pressed={paused} onClick={() => url.patch({ paused: paused ? undefined : '1' })}>
            <Icon name={paused ? 'play' : 'pause'} />
            {paused ? t.resume : t.pause}
          </button>
        </header>
        {services?.length === 0 ? (
          <EmptyFleet />
        ) : (
          <>
            <ServiceFilters url={url} />
            <ServiceTable services={shown} now={query.data?.now ?? 0} known={query.data?.traffic_known ?? false} failed={query.error !== undefined} url={url} />
          </>
        )}
      </section>
      {/* What would be pushed down by the first answer comes after it. */}
      {(services || query.error) && <RequestPanel services={services ?? []} explained={query.error !== undefined} paused={paused} url={url} />}
    </>
  );
}
