import type { ServiceCallee } from '../../api.gen';
import { FigureCells, FigureHeads } from '../../components/figure-cells';
import { ServiceLink } from '../../components/service-link';
import type { ServiceView } from '../../components/service-view';
import { StateBadge } from '../../components/state-badge';
import { useMessages } from '../../i18n';
import { useTexts } from './texts';

/** Whom the service calls, as it counted itself. */
export function Callees({ view: { page } }: { view: ServiceView }) {
  const t = useTexts().callees;
  const { notKnown } = useMessages();
  const callees = page?.callees;
  // A service that is not on Pie reports no callees.
  if (!callees || (page.state === 'never' && callees.length === 0)) return null;
  const busiest = Math.max(0, ...callees.map(({ figures }) => figures.qps));
  return (
    <section class="card" aria-labelledby="callees-title">
      <header class="card-head">
        <h2 id="callees-title">{t.title}</h2>
        <p class="card-sub">{callees.length > 0 && t.summary(callees.length)}</p>
      </header>
      <div class="scroll">
        {callees.length > 0 ? (
          <table class="table peers">
            <thead>
              <tr>
                <th scope="col">{t.callee}</th>
                <th scope="col" class="wide">
                  {t.method}
                </th>
                <FigureHeads />
              </tr>
            </thead>
            <tbody>
              {callees.map((callee) => (
                <CalleeRow key={`${callee.psm} ${callee.method}`} callee={callee} busiest={busiest} />
              ))}
            </tbody>
          </table>
        ) : (
          <p class="no-match">{page.traffic_known ? t.empty : notKnown}</p>
        )}
        {page.more_callees && <p class="no-match">{t.more}</p>}
      </div>
    </section>
  );
}

function CalleeRow({ callee, busiest }: { callee: ServiceCallee; busiest: number }) {
  return (
    <tr data-testid="callee-row" data-psm={callee.psm}>
      <th scope="row">
        <ServiceLink psm={callee.psm} />
        {callee.state === 'never' && <span class="chip minus">−1</span>}
        {callee.state !== 'running' && <StateBadge state={callee.state} />}
        <small class="narrow-only mono">{callee.method}</small>
      </th>
      <td class="wide mono">{callee.method}</td>
      <FigureCells figures={callee.figures} busiest={busiest} />
    </tr>
  );
}
