import { useQuery } from '../api/query';
import type { Chains, Service } from '../api.gen';
import { duration } from '../format';
import { useMessages } from '../i18n';
import { type UrlState, withQuery } from '../urlstate';
import { useVisit } from '../visit';
import { FilterSelect, withCurrent } from './filter-select';
import { RequestHeads, REQUEST_COLUMNS, RequestRow } from './request-rows';
import { SkeletonRows } from './skeleton';
import { Trouble } from './trouble';

const REFRESH_MS = 5000;
const DURATIONS_MS = [10, 50, 100, 500, 1000, 5000];

interface Props {
  services: Service[];
  /** The page already says that the platform is in trouble. */
  explained: boolean;
  url: UrlState;
}

/** The newest calls from outside, each the door to its chain. */
export function RequestPanel({ services, explained, url }: Props) {
  const t = useMessages();
  const visit = useVisit();
  const filter = { psm: url.get('req_psm'), outcome: url.get('outcome'), min_ms: url.get('min_ms') };
  const asked = { ...visit.askedOfList, cluster: visit.cluster, ...filter };
  const query = useQuery<Chains>(withQuery('/api/chains', asked), () => visit.cadence(REFRESH_MS), true);
  const chains = query.data?.chains;
  const filtered = Object.values(asked).some(Boolean);
  return (
    <>
      {!explained && <Trouble query={query} retrying />}
      <section class="card" id="requests" aria-labelledby="requests-title">
        <header class="card-head">
          <h2 id="requests-title">{t.requests.title}</h2>
          <p class="card-sub">{t.requests.subtitle}</p>
        </header>
        <RequestFilters services={services} url={url} />
        <div class="scroll">
          <table class="table requests">
            <thead>
              <RequestHeads />
            </thead>
            <tbody>
              {chains?.map((chain) => <RequestRow key={`${chain.logid} ${chain.start}`} chain={chain} />)}
              {chains === undefined && !query.error && <SkeletonRows rows={6} columns={REQUEST_COLUMNS} />}
            </tbody>
          </table>
          {chains?.length === 0 && (
            <p class="no-match">
              {filtered ? t.requests.noMatch : t.requests.empty}{' '}
              {filtered && (
                <button type="button" class="link" onClick={() => url.patch({ req_psm: '', outcome: '', min_ms: '', cluster: '', since: '', until: '' })}>
                  {t.clearFilters}
                </button>
              )}
            </p>
          )}
        </div>
      </section>
    </>
  );
}

function RequestFilters({ services, url }: { services: Service[]; url: UrlState }) {
  const t = useMessages();
  const psm = url.get('req_psm');
  const names = services.map((service) => service.psm).sort();
  const durations = DURATIONS_MS.map((ms) => [String(ms), duration(ms)] as const);
  return (
    <div class="filters">
      <FilterSelect
        label={t.requests.service}
        value={psm}
        options={[['', t.requests.allServices], ...withCurrent(names, psm)]}
        onChange={(value) => url.patch({ req_psm: value })}
      />
      <FilterSelect
        label={t.requests.minDuration}
        value={url.get('min_ms')}
        options={[['', t.requests.anyDuration], ...durations]}
        onChange={(value) => url.patch({ min_ms: value })}
      />
      <FilterSelect
        label={t.requests.outcome}
        value={url.get('outcome')}
        options={Object.entries(t.requests.outcomes)}
        onChange={(outcome) => url.patch({ outcome })}
      />
    </div>
  );
}
