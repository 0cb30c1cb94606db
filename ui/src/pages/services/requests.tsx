import { useEffect } from 'preact/hooks';
import { useQuery } from '../../api/query';
import type { Chains, ChainSummary, Service } from '../../api/types';
import { FilterSelect } from '../../components/filter-select';
import { Outcome } from '../../components/outcome';
import { SkeletonRows } from '../../components/skeleton';
import { Trouble } from '../../components/trouble';
import { clockTimeMs, count, dateTimeMs, duration } from '../../format';
import { useMessages } from '../../i18n';
import { type UrlState, withQuery } from '../../urlstate';
import { withCurrent } from './filters';
import { REFRESH_MS } from './view';

const DURATIONS_MS = [10, 50, 100, 500, 1000, 5000];
const COLUMNS = 7;

interface Props {
  services: Service[];
  /** The page already says that the platform is in trouble. */
  explained: boolean;
  paused: boolean;
  url: UrlState;
}

/** The newest calls from outside, each the door to its chain. */
export function RequestPanel({ services, explained, paused, url }: Props) {
  const t = useMessages();
  const filter = { psm: url.get('req_psm'), outcome: url.get('failed') ? 'failed' : '', min_ms: url.get('min_ms') };
  const query = useQuery<Chains>(withQuery('/api/chains', filter), () => (paused ? null : REFRESH_MS), true);
  useEffect(() => {
    if (!paused && query.data) query.refresh();
  }, [paused]);
  const chains = query.data?.chains;
  const filtered = Object.values(filter).some(Boolean);
  return (
    <>
      {!explained && <Trouble query={query} retrying={!paused} />}
      <section class="card" id="requests" aria-labelledby="requests-title">
        <header class="card-head">
          <h2 id="requests-title">{t.requests.title}</h2>
          <p class="card-sub">{t.requests.subtitle}</p>
        </header>
        <RequestFilters services={services} url={url} />
        <div class="scroll">
          <table class="table requests">
            <thead>
              <tr>
                <th scope="col">{t.requests.columns.start}</th>
                <th scope="col">{t.requests.columns.logid}</th>
                <th scope="col">{t.requests.columns.psm}</th>
                <th scope="col">{t.requests.columns.method}</th>
                <th scope="col" class="num">
                  {t.requests.columns.duration}
                </th>
                <th scope="col">{t.requests.columns.outcome}</th>
                <th scope="col" class="num">
                  {t.requests.columns.calls}
                </th>
              </tr>
            </thead>
            <tbody>
              {chains?.map((chain) => <RequestRow key={`${chain.logid} ${chain.start}`} chain={chain} />)}
              {chains === undefined && !query.error && <SkeletonRows rows={6} columns={COLUMNS} />}
            </tbody>
          </table>
          {chains?.length === 0 && (
            <p class="no-match">
              {filtered ? t.requests.noMatch : t.requests.empty}{' '}
              {filtered && (
                <button type="button" class="link" onClick={() => url.patch({ req_psm: '', failed: '', min_ms: '' })}>
                  {t.services.clear}
                </button>
              )}
            </p>
          )}
        </div>
      </section>
    </>
  );
}

function RequestRow({ chain }: { chain: ChainSummary }) {
  return (
    <tr>
      <td>
        <time title={dateTimeMs(chain.start)}>{clockTimeMs(chain.start)}</time>
      </td>
      <td>
        <a class="mono" href={`/chain/${chain.logid}`} data-testid="chain-link">
          {chain.logid}
        </a>
      </td>
      <td class="psm">{chain.psm}</td>
      <td class="mono">{chain.method}</td>
      <td class="num">{duration(chain.duration_ms)}</td>
      <td>
        <Outcome outcome={chain.outcome} code={chain.code} />
      </td>
      <td class="num">{count(chain.calls)}</td>
    </tr>
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
      <label class={`field check${url.get('failed') ? ' field-set' : ''}`}>
        <input
          type="checkbox"
          checked={url.get('failed') === '1'}
          onChange={(event) => url.patch({ failed: event.currentTarget.checked ? '1' : '' })}
        />
        {t.requests.failedOnly}
      </label>
    </div>
  );
}
