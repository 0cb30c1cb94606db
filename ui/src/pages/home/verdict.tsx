import type { Service } from '../../api.gen';
import { instanceCount } from '../../components/clusters';
import { HealthMark } from '../../components/health-mark';
import { useRangeText } from '../../components/range-text';
import { ServiceLink } from '../../components/service-link';
import { type Health, VerdictCard, VerdictFigure } from '../../components/verdict-card';
import { compact, count, percent } from '../../format';
import { useMessages } from '../../i18n';
import { pathTo } from '../../paths';
import { useTexts } from './texts';

const WORRYING_SHARE = 0.01;
/** More would be a wall; the list of services has them all. */
const MOST_ON_MAP = 400;

/** Whether anything fails, and how much: a sentence, a few figures, and one mark for each service. */
export function FleetVerdict({ services, known }: { services: Service[] | undefined; known: boolean }) {
  const t = useTexts().verdict;
  const common = useMessages();
  const { sentence } = useRangeText();
  if (!services) return <VerdictCard health="unknown" level={1} title={<span class="dim">…</span>} figures={<FigureRoom />} />;
  const failing = services.filter(({ failure_rate }) => failure_rate > 0).sort((a, b) => failuresOf(b) - failuresOf(a));
  const [worst] = failing;
  const calls = services.reduce((sum, each) => sum + each.calls, 0);
  const failed = services.reduce((sum, each) => sum + failuresOf(each), 0);
  const qps = services.reduce((sum, each) => sum + each.qps, 0);
  const share = calls ? failed / calls : 0;
  const health: Health = !known || calls === 0 ? 'unknown' : failing.some(({ failure_rate }) => failure_rate >= WORRYING_SHARE) ? 'bad' : failed > 0 ? 'mild' : 'well';
  const title = !known ? t.unknown : calls === 0 ? t.idle(sentence) : failing.length > 0 ? t.failing(failing.length, services.length, sentence) : t.well(services.length, sentence);
  const figure = (text: string) => (known ? text : common.none);
  return (
    <>
      <VerdictCard
        health={health}
        level={1}
        title={title}
        figures={
          <>
            <VerdictFigure name={t.calls} value={figure(`${compact(qps)} /s`)} note={figure(common.figures.counted(calls))} />
            <VerdictFigure name={common.figures.failures} value={figure(percent(share))} note={figure(count(failed))} tone={share >= WORRYING_SHARE ? 'bad-text' : ''} />
            <VerdictFigure name={t.instances} value={count(instanceCount(services.flatMap(({ clusters }) => clusters)))} />
          </>
        }
      >
        {known && worst && (
          <p>
            {t.worstBefore} <ServiceLink psm={worst.psm} />
            {t.worstAfter(percent(worst.failure_rate), count(failuresOf(worst)), percent(failuresOf(worst) / failed))}
          </p>
        )}
        <HealthMap services={services} known={known} />
      </VerdictCard>
    </>
  );
}

/** As high as the figures will be. */
function FigureRoom() {
  return (
    <div aria-hidden="true">
      <dt>&nbsp;</dt>
      <dd>&nbsp;</dd>
      <dd class="verdict-note">&nbsp;</dd>
    </div>
  );
}

/** One mark for each service, by product: where something is wrong stands out by its shape. */
function HealthMap({ services, known }: { services: Service[]; known: boolean }) {
  const t = useTexts().verdict;
  const products = new Map<string, Service[]>();
  for (const service of services.slice(0, MOST_ON_MAP)) {
    const group = service.psm.split('.').slice(0, 2).join('.');
    products.set(group, [...(products.get(group) ?? []), service]);
  }
  return (
    <ul class="health-map" aria-label={t.map}>
      {[...products].map(([product, members]) => (
        <li key={product}>
          <small>{product}</small>
          {members.map((service) => {
            const { health, text } = stateOf(service, known, t);
            return (
              <a key={service.psm} href={pathTo('service-overview', { psm: service.psm })} title={`${service.psm}: ${text}`} aria-label={`${service.psm}: ${text}`}>
                <HealthMark health={health} />
              </a>
            );
          })}
        </li>
      ))}
    </ul>
  );
}

function stateOf(service: Service, known: boolean, t: ReturnType<typeof useTexts>['verdict']): { health: Health; text: string } {
  if (!known) return { health: 'unknown', text: t.notKnown };
  if (service.calls === 0) return { health: 'unknown', text: t.notCalled };
  if (service.failure_rate === 0) return { health: 'well', text: t.noFailure };
  return { health: service.failure_rate >= WORRYING_SHARE ? 'bad' : 'mild', text: t.fails(percent(service.failure_rate)) };
}

export function failuresOf({ failure_rate, calls }: Service): number {
  return Math.round(failure_rate * calls);
}
