import type { Service } from '../../api.gen';
import { failureTone } from '../../components/failure-tone';
import { Icon } from '../../components/icon';
import { StateBadge } from '../../components/state-badge';
import { favourites, mostUsed } from '../../favourites';
import { compact, duration, percent } from '../../format';
import { useMessages } from '../../i18n';
import { pathTo } from '../../paths';
import { useStore } from '../../store';
import { useTexts } from './texts';

const SHOWN = 8;

/** What the reader starred or visits most, with how it does now. */
export function MyServices({ services, known: figuresKnown }: { services: Service[] | undefined; known: boolean }) {
  const t = useTexts();
  const kept = useStore(favourites);
  const names = mostUsed(kept, SHOWN);
  const known = new Map(services?.map((service) => [service.psm, service]));
  return (
    <section class="card" aria-labelledby="mine-title">
      <header class="card-head">
        <h2 id="mine-title">{t.mine}</h2>
        <p class="card-sub">{names.length > 0 && t.mineSub}</p>
        <a class="head-link" href={pathTo('services')}>
          {t.toServices}
        </a>
      </header>
      {names.length > 0 ? (
        <ul class="mine">
          {names.map((psm) => (
            <li key={psm}>
              <a class="mine-card" href={pathTo('service-overview', { psm })} data-testid="my-service" data-psm={psm}>
                <span class="mine-name">
                  {kept.starred.includes(psm) && <Icon name="star" />}
                  {psm}
                  <MyState service={known.get(psm)} />
                </span>
                {services && <MyFigures service={known.get(psm)} known={figuresKnown} />}
              </a>
            </li>
          ))}
        </ul>
      ) : (
        <p class="no-match">{t.mineEmpty}</p>
      )}
    </section>
  );
}

function MyState({ service }: { service: Service | undefined }) {
  return service ? <StateBadge state={service.state} /> : null;
}

function MyFigures({ service, known }: { service: Service | undefined; known: boolean }) {
  const t = useTexts();
  const common = useMessages();
  const { none } = useMessages();
  if (!service) return <span class="dim">{t.gone}</span>;
  if (!known) return <span class="dim">{common.notKnown}</span>;
  const facts: Array<[string, string, string]> = service.calls
    ? [
        [common.figures.qps, compact(service.qps), ''],
        [common.figures.avg, duration(service.avg_ms), ''],
        [common.figures.failures, percent(service.failure_rate), failureTone(service.failure_rate)],
      ]
    : [[common.figures.qps, none, 'dim']];
  return (
    <span class="mine-figures">
      {facts.map(([name, value, tone]) => (
        <span key={name}>
          <small>{name}</small> <span class={tone}>{value}</span>
        </span>
      ))}
    </span>
  );
}
