import type { ServiceCaller } from '../../api.gen';
import { FIGURES, FigureCells, FigureHeads } from '../../components/figure-cells';
import { ServiceLink } from '../../components/service-link';
import type { ServiceView } from '../../components/service-view';
import { SkeletonRows } from '../../components/skeleton';
import { StateBadge } from '../../components/state-badge';
import { percent } from '../../format';
import { useMessages } from '../../i18n';
import { useTexts } from './texts';

const COLUMNS = FIGURES + 4;

/** Where the requests come from. */
export function Callers({ view: { page, failed } }: { view: ServiceView }) {
  const t = useTexts().callers;
  const { notKnown } = useMessages();
  const known = page?.traffic_known !== false;
  const callers = page?.callers;
  const busiest = Math.max(0, ...(callers ?? []).map(({ figures }) => figures.qps));
  return (
    <section class="card" aria-labelledby="callers-title">
      <header class="card-head">
        <h2 id="callers-title">{t.title}</h2>
        <p class="card-sub">{callers && callers.length > 0 && t.summary(callers.length)}</p>
      </header>
      <div class="scroll">
        {callers?.length !== 0 && (
          <table class="table peers">
            <thead>
              <tr>
                <th scope="col">{t.caller}</th>
                <th scope="col" class="wide">
                  {t.cluster}
                </th>
                <th scope="col" class="wide">
                  {t.methods}
                </th>
                <th scope="col" class="num wide">
                  {t.share}
                </th>
                <FigureHeads />
              </tr>
            </thead>
            <tbody>
              {callers?.map((caller) => <CallerRow key={`${caller.psm} ${caller.cluster}`} caller={caller} busiest={busiest} />)}
              {!callers && !failed && <SkeletonRows rows={2} columns={COLUMNS} />}
            </tbody>
          </table>
        )}
        {callers?.length === 0 && <p class="no-match">{known ? t.empty : notKnown}</p>}
        {page?.more_callers && <p class="no-match">{t.more}</p>}
      </div>
    </section>
  );
}

function CallerRow({ caller, busiest }: { caller: ServiceCaller; busiest: number }) {
  const t = useTexts().callers;
  const { none } = useMessages();
  const { psm, cluster, methods, method_count: all, share, state } = caller;
  return (
    <tr data-testid="caller-row" data-psm={psm}>
      <th scope="row">
        {psm ? <ServiceLink psm={psm} /> : <span title={t.unknownHint}>{t.unknown}</span>}
        {psm && state !== 'running' && <StateBadge state={state} />}
      </th>
      <td class="wide">{cluster || <span class="dim">{none}</span>}</td>
      <td class="wide names">
        {methods.join(', ')}
        {all > methods.length && <span class="dim"> {t.moreMethods(all - methods.length)}</span>}
      </td>
      <td class="num wide">{percent(share)}</td>
      <FigureCells figures={caller.figures} busiest={busiest} />
    </tr>
  );
}
