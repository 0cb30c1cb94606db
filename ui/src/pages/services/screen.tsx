import { useQuery } from '../../api/query';
import type { Services } from '../../api.gen';
import { Updated } from '../../components/ago';
import { Trouble } from '../../components/trouble';
import { clusterNames, instanceCount } from '../../components/clusters';
import { useClusterChoices } from '../../components/visit-choices';
import { useTitle } from '../../title';
import { useUrlState, withQuery } from '../../urlstate';
import { useVisit } from '../../visit';
import { EmptyFleet } from '../../components/empty-fleet';
import { ServiceFilters } from './filters';
import { RequestPanel } from '../../components/request-panel';
import { ServiceTable } from './table';
import { useTexts } from './texts';
import { arrange, REFRESH_MS } from './view';

export default function ServicesPage() {
  const t = useTexts();
  const url = useUrlState();
  const visit = useVisit();
  const path = withQuery('/api/services', { ...visit.asked, cluster: visit.cluster });
  const query = useQuery<Services>(path, () => visit.cadence(REFRESH_MS), true);
  useTitle(t.title);

  const services = query.data?.services;
  useClusterChoices(clusterNames(services ?? []).map((name) => [name, name]));
  const shown = services && arrange(services, url);
  return (
    <>
      <Trouble query={query} retrying />
      <section class="card" aria-labelledby="services-title">
        <header class="card-head">
          <h1 id="services-title">{t.title}</h1>
          <p class="card-sub">
            {services && (
              <>
                {t.summary(services.length, instanceCount(services.flatMap(({ clusters }) => clusters)))}
                {' · '}
                {!query.data?.traffic_known && <span class="bad-text">{t.trafficAway} · </span>}
                <Updated at={query.receivedAt} />
              </>
            )}
          </p>
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
      {(services || query.error) && <RequestPanel services={services ?? []} explained={query.error !== undefined} url={url} />}
    </>
  );
}
