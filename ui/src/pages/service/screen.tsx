import { useLocation, useRoute } from 'preact-iso/router';
import { useEffect, useRef } from 'preact/hooks';
import { useQuery } from '../../api/query';
import type { ServicePage } from '../../api.gen';
import { useAgo } from '../../components/ago';
import { NotFoundPage } from '../../components/not-found';
import type { ServiceView } from '../../components/service-view';
import { Trouble } from '../../components/trouble';
import { noteVisit } from '../../favourites';
import { useMessages } from '../../i18n';
import { addressOf, manifest, pathTo, tabSegment, tabsOf } from '../../paths';
import { language } from '../../preferences';
import { useScreen } from '../../screens';
import { useStore } from '../../store';
import { useTitle } from '../../title';
import { useUrlState, withQuery } from '../../urlstate';
import { useVisit } from '../../visit';
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
  const visit = useVisit();
  const asked = withQuery(`/api/services/${encodeURIComponent(psm)}`, { ...visit.asked, cluster });
  // An unknown service may be starting just now; any other refusal stays one.
  const query = useQuery<ServicePage>(asked, (_, error) => (error && !error.away && error.status !== 404 ? null : (visit.cadence(REFRESH_MS) ?? (error ? REFRESH_MS : null))), true);
  // What is kept while a filter changes must not be another service's.
  const answer = query.data?.psm === psm ? query.data : undefined;
  const kept = useLastKnown(asked, answer, query.receivedAt);
  const page = kept?.page ?? answer;
  useTitle(tab ? `${psm} · ${manifest(tab).title[spoken]}` : psm);
  useEffect(() => {
    const [first] = tabs;
    if (!params.tab && first) route(addressOf(first, { psm }), true);
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
      {kept && <KeptBanner at={kept.at} />}
      {page && !page.traffic_known && <p class="banner">{common.trafficAway}</p>}
      {Tab && <Tab view={view} />}
    </>
  );
}

interface Known {
  asked: string;
  page: ServicePage;
  /** When it was received, in Unix milliseconds. */
  at: number;
}

/** While figures are not known: the last that were, on the same question, beside what is registered now. */
function useLastKnown(asked: string, answer: ServicePage | undefined, at: number): Known | undefined {
  const last = useRef<Known | undefined>(undefined);
  if (answer?.traffic_known) last.current = { asked, page: answer, at };
  if (!answer || answer.traffic_known || last.current?.asked !== asked) return undefined;
  return { ...last.current, page: { ...last.current.page, state: answer.state } };
}

function KeptBanner({ at }: { at: number }) {
  const common = useMessages();
  return <p class="banner">{common.trafficKept(useAgo(at))}</p>;
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
