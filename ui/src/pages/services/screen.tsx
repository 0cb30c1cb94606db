import { useEffect } from 'preact/hooks';
import { useQuery } from '../../api/query';
import type { Services } from '../../api/types';
import { Updated } from '../../components/ago';
import { Icon } from '../../components/icon';
import { Trouble } from '../../components/trouble';
import { useMessages } from '../../i18n';
import { useTitle } from '../../title';
import { useUrlState, withQuery } from '../../urlstate';
import { EmptyFleet } from './empty-fleet';
import { ServiceFilters } from './filters';
import { RequestPanel } from './requests';
import { ServiceTable } from './table';
import { arrange, instanceCount, REFRESH_MS } from './view';

export function ServicesPage() {
  const t = useMessages();
  const url = useUrlState();
  const paused = url.get('paused') === '1';
  const cadence = () => (paused ? null : REFRESH_MS);
  const query = useQuery<Services>(withQuery('/api/services', { window: url.get('window') || '60' }), cadence, true);
  useTitle(t.services.title);
  useEffect(() => {
    if (!paused && query.data) query.refresh();
  }, [paused]);

  const services = query.data?.services;
  const shown = services && arrange(services, url);
  return (
    <>
      <Trouble query={query} retrying={!paused} />
      <section class="card" aria-labelledby="services-title">
        <header class="card-head">
          <h1 id="services-title">{t.services.title}</h1>
          <p class="card-sub">
            {services && (
              <>
                {t.services.summary(services.length, instanceCount(services.flatMap(({ clusters }) => clusters)))}
                {' · '}
                {!query.data?.traffic_known && <span class="bad-text">{t.services.trafficAway} · </span>}
                {paused ? t.services.paused : <Updated at={query.receivedAt} />}
              </>
            )}
          </p>
          <button type="button" class="quiet" aria-pressed={paused} onClick={() => url.patch({ paused: paused ? undefined : '1' })}>
            <Icon name={paused ? 'play' : 'pause'} />
            {paused ? t.services.resume : t.services.pause}
          </button>
        </header>
        {services?.length === 0 ? (
          <EmptyFleet />
        ) : (
          <>
            <ServiceFilters services={services ?? []} url={url} />
            <ServiceTable services={shown} now={query.data?.now ?? 0} failed={query.error !== undefined} url={url} />
          </>
        )}
      </section>
      <RequestPanel services={services ?? []} explained={query.error !== undefined} paused={paused} url={url} />
    </>
  );
}
