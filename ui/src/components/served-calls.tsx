import { useQuery } from '../../api/query';
import type { ServedCall, ServedCalls } from '../../api/types';
import { BreakableName } from '../../components/breakable-name';
import { Outcome } from '../../components/outcome';
import { SkeletonRows } from '../../components/skeleton';
import { Trouble } from '../../components/trouble';
import { clockTimeMs, dateTimeMs, duration } from '../../format';
import { useMessages } from '../../i18n';
import { useServiceMessages } from '../../i18n/service';
import { withQuery } from '../../urlstate';
import { ServiceLink } from './service-link';
import { pathOf, type ServiceView } from './view';

const REFRESH_MS = 5000;
const COLUMNS = 7;
const ON_OVERVIEW = '10';
const ON_OWN_PAGE = '200';

export function LatestCalls({ view }: { view: ServiceView }) {
  return <Calls view={view} limit={ON_OVERVIEW} />;
}

export function RequestsTab({ view }: { view: ServiceView }) {
  return <Calls view={view} limit={ON_OWN_PAGE} />;
}

/** The newest calls the service served, each the door to its chain. */
function Calls({ view, limit }: { view: ServiceView; limit: string }) {
  const t = useServiceMessages().calls;
  const { psm, cluster, url, failed } = view;
  const outcome = url.get('outcome');
  const path = withQuery(`/api/services/${encodeURIComponent(psm)}/calls`, { outcome, cluster, limit });
  const query = useQuery<ServedCalls>(path, () => REFRESH_MS, true);
  const calls = query.data?.calls;
  return (
    <>
      {!failed && <Trouble query={query} retrying />}
      <section class="card" id="requests" aria-labelledby="calls-title">
        <header class="card-head">
          <h2 id="calls-title">{t.title}</h2>
          <p class="card-sub">{query.data?.account === 'callers' ? t.subtitleCallers : t.subtitle}</p>
          <div class="segments" role="group" aria-label={t.outcome}>
            {Object.entries(t.outcomes).map(([name, text]) => (
              <button key={name} type="button" aria-pressed={outcome === name} onClick={() => url.patch({ outcome: name })}>
                {text}
              </button>
            ))}
          </div>
          {limit === ON_OVERVIEW && <a href={pathOf(psm, 'requests', url, { outcome })}>{t.all}</a>}
        </header>
        <div class="scroll">
          <table class="table served">
            <thead>
              <tr>
                <th scope="col">{t.columns.start}</th>
                <th scope="col">{t.columns.logid}</th>
                <th scope="col">{t.columns.method}</th>
                <th scope="col">{t.columns.caller}</th>
                <th scope="col" class="extra">
                  {t.columns.where}
                </th>
                <th scope="col" class="num">
                  {t.columns.duration}
                </th>
                <th scope="col">{t.columns.outcome}</th>
              </tr>
            </thead>
            <tbody>
              {calls?.map((call) => <CallRow key={`${call.logid} ${call.span_id} ${call.ts}`} call={call} />)}
              {calls === undefined && !query.error && <SkeletonRows rows={4} columns={COLUMNS} />}
            </tbody>
          </table>
          {calls?.length === 0 && <p class="no-match">{outcome || cluster ? t.noMatch : t.empty}</p>}
        </div>
      </section>
    </>
  );
}

function CallRow({ call }: { call: ServedCall }) {
  const t = useServiceMessages();
  const { none } = useMessages();
  return (
    <tr data-testid="served-call">
      <td>
        <time title={dateTimeMs(call.ts)}>{clockTimeMs(call.ts)}</time>
      </td>
      <td>
        {call.logid ? (
          <a class="mono" href={`/chain/${call.logid}`}>
            {call.logid}
          </a>
        ) : (
          <span class="dim">{t.calls.noLogid}</span>
        )}
      </td>
      <td class="wraps">
        {call.verb && call.verb !== call.method && <span class="chip">{call.verb}</span>} {call.method}
        {call.route && (
          <span class="mono dim">
            {' '}
            <BreakableName name={call.route} />
          </span>
        )}
      </td>
      <td>{call.caller ? <ServiceLink psm={call.caller} /> : <span class="dim">{t.callers.unknown}</span>}</td>
      <td class="extra mono dim">{call.instance || none}</td>
      <td class="num">{duration(call.duration_ms)}</td>
      <td>
        <Outcome outcome={call.outcome} code={call.code} />
        {call.message && (
          <div class="why" title={call.message}>
            {call.message}
          </div>
        )}
      </td>
    </tr>
  );
}
