import { useLocation, useRoute } from 'preact-iso/router';
import { useEffect } from 'preact/hooks';
import { useQuery } from '../../api/query';
import type { ServicePage } from '../../api/types';
import { Trouble } from '../../components/trouble';
import { noteVisit } from '../../favourites';
import { useServiceMessages } from '../../i18n/service';
import { useTitle } from '../../title';
import { useUrlState, withQuery } from '../../urlstate';
import { NotFoundPage } from '../not-found';
import { Overview } from './overview';
import { RequestsTab } from './calls';
import { ServiceHead } from './head';
import { DEFAULT_WINDOW, pathOf, type ServiceView, TABS } from './view';

const REFRESH_MS = 5000;

/** `/s/:psm/:tab`: the head that every page of a service has, and the page below it. */
export function ServicePages() {
  const t = useServiceMessages();
  const { params } = useRoute();
  const { route, path } = useLocation();
  const psm = params.psm ?? '';
  const tab = TABS.find((name) => name === params.tab);
  const url = useUrlState();
  const cluster = url.get('cluster');
  const asked = withQuery(`/api/services/${encodeURIComponent(psm)}`, { window: url.get('window') || DEFAULT_WINDOW, cluster });
  // An unknown service may be starting just now; any other refusal stays one.
  const query = useQuery<ServicePage>(asked, (_, error) => (error && !error.away && error.status !== 404 ? null : REFRESH_MS), true);
  // What is kept while a filter changes must not be another service's.
  const page = query.data?.psm === psm ? query.data : undefined;
  useTitle(tab ? `${psm} · ${t.tabs[tab]}` : psm);
  useEffect(() => {
    if (!params.tab) route(pathOf(psm, 'overview', url), true);
  }, [path]);
  const known = page !== undefined;
  useEffect(() => {
    if (known) noteVisit(psm);
  }, [psm, known]);

  if (params.tab && !tab) return <NotFoundPage />;
  if (query.error?.status === 404) return <UnknownService psm={psm} />;
  const view: ServiceView = { psm, cluster, url, page, failed: query.error !== undefined };
  return (
    <>
      <ServiceHead view={view} tab={tab ?? 'overview'} receivedAt={query.receivedAt} />
      <Trouble query={query} retrying />
      {page && !page.traffic_known && <p class="banner">{t.trafficAway}</p>}
      {tab === 'requests' ? <RequestsTab view={view} /> : <Overview view={view} />}
    </>
  );
}

function UnknownService({ psm }: { psm: string }) {
  const t = useServiceMessages();
  return (
    <section class="card notice">
      <h1>{t.notFound}</h1>
      <p class="mono">{psm}</p>
      <p>{t.notFoundLead}</p>
      <p>
        <a class="button" href="/services">
          {t.back}
        </a>
      </p>
    </section>
  );
}
