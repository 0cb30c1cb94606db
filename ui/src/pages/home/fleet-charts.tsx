import { useQuery } from '../../api/query';
import type { FleetSeries } from '../../api.gen';
import { Trio, TrioRoom } from '../../components/trio';
import { Trouble } from '../../components/trouble';
import { useMessages } from '../../i18n';
import { withQuery } from '../../urlstate';
import { useVisit } from '../../visit';
import { useTexts } from './texts';

const REFRESH_MS = 10_000;

/** All calls of the fleet over time. */
export function FleetCharts({ explained }: { explained: boolean }) {
  const t = useTexts();
  const common = useMessages();
  const visit = useVisit();
  const path = withQuery('/api/fleet/series', { ...visit.asked, cluster: visit.cluster, against: visit.against });
  const query = useQuery<FleetSeries>(path, () => visit.cadence(REFRESH_MS), true);
  return (
    <section class="card" aria-labelledby="fleet-title" data-testid="fleet-charts">
      <header class="card-head">
        <h2 id="fleet-title">{t.fleet}</h2>
        <p class="card-sub">{t.fleetSub}</p>
      </header>
      {!explained && <Trouble query={query} retrying />}
      {query.data ? <Trio series={query.data} visit={visit} group="fleet" changesOf="" /> : <TrioRoom>{query.error ? common.notKnown : common.loading}</TrioRoom>}
    </section>
  );
}
