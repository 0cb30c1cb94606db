import { useQuery } from '../../api/query';
import type { Service, Services } from '../../api.gen';
import { EmptyFleet } from '../../components/empty-fleet';
import { Trouble } from '../../components/trouble';
import { useMessages } from '../../i18n';
import { useTitle } from '../../title';
import { useUrlState } from '../../urlstate';
import { windowOf } from '../../visit';
import { FailedRequests } from './failed-requests';
import { Failing } from './failing';
import { MyServices } from './my-services';
import { useTexts } from './texts';

const REFRESH_MS = 5000;

/** The reader's own services, and what goes wrong at the moment. */
export default function HomePage() {
  const t = useTexts();
  const common = useMessages();
  const window = windowOf(useUrlState().get('window'));
  useTitle(t.title);
  const query = useQuery<Services>(`/api/services?window=${window}`, () => REFRESH_MS, true);
  const services: Service[] | undefined = query.data?.services;
  if (services?.length === 0)
    return (
      <section class="card">
        <EmptyFleet />
      </section>
    );
  return (
    <>
      <h1 class="offscreen">{t.title}</h1>
      <Trouble query={query} retrying />
      {query.data && !query.data.traffic_known && <p class="banner">{common.trafficAway}</p>}
      <MyServices services={services} />
      <Failing services={services} known={query.data?.traffic_known ?? false} window={window} />
      <FailedRequests explained={query.error !== undefined} />
    </>
  );
}
