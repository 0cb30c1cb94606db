import { useQuery } from '../../api/query';
import type { Service, Services } from '../../api.gen';
import { clusterNames } from '../../components/clusters';
import { EmptyFleet } from '../../components/empty-fleet';
import { Trouble } from '../../components/trouble';
import { useClusterChoices } from '../../components/visit-choices';
import { useTitle } from '../../title';
import { withQuery } from '../../urlstate';
import { useVisit } from '../../visit';
import { FailedRequests } from './failed-requests';
import { Failing } from './failing';
import { FleetCharts } from './fleet-charts';
import { MyServices } from './my-services';
import { NewestChanges } from './newest-changes';
import { useTexts } from './texts';
import { FleetVerdict } from './verdict';

const REFRESH_MS = 5000;

/** Is anything wrong now, for the reader and for all; what changed; and the reader's own services. */
export default function HomePage() {
  const t = useTexts();
  const visit = useVisit();
  useTitle(t.title);
  const path = withQuery('/api/services', { ...visit.asked, cluster: visit.cluster });
  const query = useQuery<Services>(path, () => visit.cadence(REFRESH_MS), true);
  const all: Service[] | undefined = query.data?.services;
  useClusterChoices(clusterNames(all ?? []).map((name) => [name, name]));
  const services = all?.filter((service) => runsIn(service, visit.cluster));
  const known = query.data?.traffic_known ?? false;
  if (all?.length === 0)
    return (
      <section class="card">
        <EmptyFleet />
      </section>
    );
  return (
    <>
      <Trouble query={query} retrying />
      <div class="home-verdict">
        <FleetVerdict services={services} known={known} />
      </div>
      <FleetCharts explained={query.error !== undefined} />
      {/* What the first answer would push down comes with it. */}
      {(services || query.error) && (
        <>
          <div class="home-pair">
            <Failing services={services} known={known} />
            <NewestChanges />
          </div>
          <MyServices services={services} known={known} />
          <FailedRequests explained={query.error !== undefined} />
        </>
      )}
    </>
  );
}

/** Of a cluster are the services that have instances in it, or calls. */
function runsIn({ clusters, calls }: Service, cluster: string): boolean {
  return !cluster || calls > 0 || clusters.some(({ name }) => name === cluster);
}
