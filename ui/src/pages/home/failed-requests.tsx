import { useQuery } from '../../api/query';
import type { Chains } from '../../api.gen';
import { RequestHeads, REQUEST_COLUMNS, RequestRow } from '../../components/request-rows';
import { SkeletonRows } from '../../components/skeleton';
import { Trouble } from '../../components/trouble';
import { pathTo } from '../../paths';
import { withQuery } from '../../urlstate';
import { useVisit } from '../../visit';
import { useTexts } from './texts';

const REFRESH_MS = 5000;

/** The newest requests from outside that failed, each the door to its chain. */
export function FailedRequests({ explained }: { explained: boolean }) {
  const t = useTexts();
  const visit = useVisit();
  const path = withQuery('/api/chains', { ...visit.askedOfList, cluster: visit.cluster, outcome: 'failed', limit: '10' });
  const query = useQuery<Chains>(path, () => visit.cadence(REFRESH_MS), true);
  const chains = query.data?.chains;
  return (
    <>
      {!explained && <Trouble query={query} retrying />}
      <section class="card" aria-labelledby="failed-title">
        <header class="card-head">
          <h2 id="failed-title">{t.failed}</h2>
          <p class="card-sub">{t.failedSub}</p>
          <a class="head-link" href={`${pathTo('services', {}, { outcome: 'failed' })}#requests`}>
            {t.all}
          </a>
        </header>
        {chains?.length === 0 ? (
          <p class="no-match">{t.failedNone}</p>
        ) : (
          <div class="scroll">
            <table class="table requests">
              <thead>
                <RequestHeads />
              </thead>
              <tbody>
                {chains?.map((chain) => <RequestRow key={`${chain.logid} ${chain.start}`} chain={chain} />)}
                {chains === undefined && !query.error && <SkeletonRows rows={3} columns={REQUEST_COLUMNS} />}
              </tbody>
            </table>
          </div>
        )}
      </section>
    </>
  );
}
