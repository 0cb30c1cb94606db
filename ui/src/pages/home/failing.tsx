import type { Service } from '../../api.gen';
import { failureTone } from '../../components/failure-tone';
import { Icon } from '../../components/icon';
import { useRangeText } from '../../components/range-text';
import { SkeletonRows } from '../../components/skeleton';
import { compact, count, duration, percent } from '../../format';
import { useMessages } from '../../i18n';
import { pathTo } from '../../paths';
import { useTexts } from './texts';
import { failuresOf } from './verdict';

const SHOWN = 20;
const COLUMNS = 4;

/** Services that fail calls of late, those with most failures first. */
export function Failing({ services, known }: { services: Service[] | undefined; known: boolean }) {
  const t = useTexts();
  const common = useMessages();
  const { sentence } = useRangeText();
  const failing = services
    ?.filter(({ failure_rate }) => failure_rate > 0)
    .sort((a, b) => failuresOf(b) - failuresOf(a))
    .slice(0, SHOWN);
  return (
    <section class="card" aria-labelledby="failing-title">
      <header class="card-head">
        <h2 id="failing-title">{t.failing}</h2>
        <p class="card-sub">{t.failingSub(sentence)}</p>
      </header>
      {failing?.length === 0 ? (
        <p class={`no-match${known ? ' all-well' : ' dim'}`}>
          {known && <Icon name="check" />} {known ? t.failingNone(sentence) : common.notKnown}
        </p>
      ) : (
        <div class="scroll">
          <table class="table">
            <thead>
              <tr>
                <th scope="col">{t.psm}</th>
                <th scope="col" class="num">
                  {common.figures.failures}
                </th>
                <th scope="col" class="num">
                  {common.figures.qps}
                </th>
                <th scope="col" class="num wide">
                  {common.figures.p99}
                </th>
              </tr>
            </thead>
            <tbody>
              {failing?.map((service) => <FailingRow key={service.psm} service={service} />)}
              {!failing && <SkeletonRows rows={2} columns={COLUMNS} />}
            </tbody>
          </table>
        </div>
      )}
    </section>
  );
}

function FailingRow({ service }: { service: Service }) {
  const t = useTexts();
  const { psm, failure_rate, calls, qps, p99_ms } = service;
  return (
    <tr data-testid="failing-row" data-psm={psm}>
      <th scope="row">
        <a class="psm" href={pathTo('service-overview', { psm })}>
          {psm}
        </a>
      </th>
      <td class={`num ${failureTone(failure_rate)}`}>
        <small class="of">{t.of(count(failuresOf(service)), count(calls))}</small> {percent(failure_rate)}
      </td>
      <td class="num">{compact(qps)}</td>
      <td class="num wide">{duration(p99_ms)}</td>
    </tr>
  );
}
