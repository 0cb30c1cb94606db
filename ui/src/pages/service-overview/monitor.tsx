import { useQuery } from '../../api/query';
import type { ServiceSeries } from '../../api.gen';
import type { ServiceView } from '../../components/service-view';
import { Trio, TrioRoom } from '../../components/trio';
import { Trouble } from '../../components/trouble';
import { useMessages } from '../../i18n';
import { withQuery } from '../../urlstate';
import { useVisit, type Visit } from '../../visit';
import { useTexts } from './texts';

const REFRESH_MS = 10_000;

/** How the service serves, all methods together, with what changed meanwhile. */
export function Serving({ view }: { view: ServiceView }) {
  const t = useTexts();
  const common = useMessages();
  const visit = useVisit();
  const query = useSeries(view, visit, null);
  const series = query.data?.psm === view.psm ? query.data : undefined;
  return (
    <section class="card" aria-labelledby="serving-title" data-testid="serving">
      <header class="card-head">
        <h2 id="serving-title">{t.monitor.serving}</h2>
        <p class="card-sub">{series?.account === 'callers' ? t.byCallers : t.monitor.servingSub}</p>
      </header>
      {!view.failed && <Trouble query={query} retrying />}
      {series ? <Trio series={series} visit={visit} group={view.psm} changesOf={view.psm} /> : <TrioRoom>{query.error ? common.notKnown : common.loading}</TrioRoom>}
    </section>
  );
}

/** One method over time: how often, how badly, how long. */
export function Monitor({ view, method }: { view: ServiceView; method: string }) {
  const t = useTexts();
  const common = useMessages();
  const visit = useVisit();
  const query = useSeries(view, visit, method);
  return (
    <div class="monitor" data-testid="monitor" role="group" aria-label={t.monitor.title(method || t.methods.nameless)}>
      <Trouble query={query} retrying />
      {query.data ? <Trio series={query.data} visit={visit} group={`${view.psm} ${method}`} /> : <TrioRoom>{query.error ? common.notKnown : common.loading}</TrioRoom>}
    </div>
  );
}

function useSeries({ psm, cluster }: ServiceView, visit: Visit, method: string | null) {
  const base = withQuery(`/api/services/${encodeURIComponent(psm)}/series`, { ...visit.asked, cluster, against: visit.against });
  const path = method === null ? base : `${base}&method=${encodeURIComponent(method)}`;
  return useQuery<ServiceSeries>(path, () => visit.cadence(REFRESH_MS), true);
}
