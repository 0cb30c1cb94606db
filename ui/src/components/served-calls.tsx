import { useQuery } from '../api/query';
import type { ServedCall, ServedCalls } from '../api.gen';
import { clockTimeMs, dateTimeMs, duration } from '../format';
import { useMessages } from '../i18n';
import { pathTo } from '../paths';
import { withQuery } from '../urlstate';
import { useVisit } from '../visit';
import { BreakableName } from './breakable-name';
import { FurtherFields } from './further-fields';
import { Outcome } from './outcome';
import { ServiceLink } from './service-link';
import type { ServiceView } from './service-view';
import { SkeletonRows } from './skeleton';
import { Trouble } from './trouble';

const REFRESH_MS = 5000;
const COLUMNS = 7;

/** The newest calls a service served, each the door to its chain; with `all`, a link to the page that shows more. */
export function ServedCallList({ view, limit, all }: { view: ServiceView; limit: number; all?: string }) {
  const t = useMessages().served;
  const { psm, cluster, url, failed } = view;
  const outcome = url.get('outcome');
  const visit = useVisit();
  const path = withQuery(`/api/services/${encodeURIComponent(psm)}/calls`, { ...visit.askedOfList, outcome, cluster, limit: String(limit) });
  const query = useQuery<ServedCalls>(path, () => visit.cadence(REFRESH_MS), true);
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
          {all && <a href={all}>{t.all}</a>}
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
          {calls?.length === 0 && <p class="no-match">{outcome || cluster || visit.fixed ? t.noMatch : t.empty}</p>}
        </div>
      </section>
    </>
  );
}

function CallRow({ call }: { call: ServedCall }) {
  const { served: t, none } = useMessages();
  return (
    <tr data-testid="served-call">
      <td>
        <time title={dateTimeMs(call.ts)}>{clockTimeMs(call.ts)}</time>
      </td>
      <td>
        {call.logid ? (
          <a class="mono" href={pathTo('chain', { logid: call.logid })}>
            {call.logid}
          </a>
        ) : (
          <span class="dim">{t.noLogid}</span>
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
        <FurtherFields fields={call.fields} />
      </td>
      <td>{call.caller ? <ServiceLink psm={call.caller} /> : <span class="dim">{t.unknown}</span>}</td>
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
