import { useLocation, useRoute } from 'preact-iso/router';
import { useEffect } from 'preact/hooks';
import { useQuery } from '../../api/query';
import type { ServicePage } from '../../api.gen';
import { NotFoundPage } from '../../components/not-found';
import { chosen, DEFAULT_WINDOW, type ServiceView } from '../../components/service-view';
import { Trouble } from '../../components/trouble';
import { noteVisit } from '../../favourites';
import { useMessages } from '../../i18n';
import { addressOf, manifest, pathTo, tabSegment, tabsOf } from '../../paths';
import { language } from '../../preferences';
import { useScreen } from '../../screens';
import { useStore } from '../../store';
import { useTitle } from '../../title';
import { useUrlState, withQuery } from '../../urlstate';
import { ServiceHead } from './head';
import { useTexts } from './texts';

const REFRESH_MS = 5000;

/** `/s/:psm/:tab`: the head that every page of a service has, and the page below it. */
export default function ServicePages() {
  const spoken = useStore(language);
  const common = useMessages();
  const { params } = useRoute();
  const { route, path } = useLocation();
  const psm = params.psm ?? '';
  const tabs = tabsOf('service');
  const tab = tabs.find((name) => tabSegment(name) === params.tab);
  const Tab = useScreen<{ view: ServiceView }>(tab);
  const url = useUrlState();
  const cluster = url.get('cluster');
  const asked = withQuery(`/api/services/${encodeURIComponent(psm)}`, { window: url.get('window') || DEFAULT_WINDOW, cluster });
  // An unknown service may be starting just now; any other refusal stays one.
  const query = useQuery<ServicePage>(asked, (_, error) => (error && !error.away && error.status !== 404 ? null : REFRESH_MS), true);
  // What is kept while a filter changes must not be another service's.
  const page = query.data?.psm === psm ? query.data : undefined;
  useTitle(tab ? `${psm} · ${manifest(tab).title[spoken]}` : psm);
  useEffect(() => {
    const [first] = tabs;
    if (!params.tab && first) route(withQuery(addressOf(first, { psm }), chosen(url)), true);
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
      <ServiceHead view={view} tab={tab} receivedAt={query.receivedAt} />
      <Trouble query={query} retrying />
      {page && !page.traffic_known && <p class="banner">{common.trafficAway}</p>}
      {Tab && <Tab view={view} />}
    </>
  );
}

function UnknownService({ psm }: { psm: string }) {
  const t = useTexts();
  return (
    <section class="card notice">
      <h1>{t.notFound}</h1>
      <p class="mono">{psm}</p>
      <p>{t.notFoundLead}</p>
      <p>
        <a class="button" href={pathTo('services')}>
          {t.back}
        </a>
      </p>
    </section>
  );
}
