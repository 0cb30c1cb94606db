import { Updated } from '../../components/ago';
import { Icon } from '../../components/icon';
import type { ServiceView } from '../../components/service-view';
import { ExplainedStateBadge } from '../../components/state-badge';
import { useClusterChoices } from '../../components/visit-choices';
import { favourites, toggleStar } from '../../favourites';
import { useMessages } from '../../i18n';
import type { PageName } from '../../pages.gen';
import { addressOf, manifest, pathTo, tabsOf } from '../../paths';
import { language } from '../../preferences';
import { useStore } from '../../store';
import { useTexts } from './texts';

/** Names the service, says whether it is on-boarded, whose it is and what of it runs, and leads to its pages. */
export function ServiceHead({ view, tab, receivedAt }: { view: ServiceView; tab: PageName | undefined; receivedAt: number }) {
  const t = useTexts();
  const spoken = useStore(language);
  const { psm, page } = view;
  const product = psm.split('.')[0] ?? '';
  useClusterChoices((page?.clusters ?? []).map(({ name, instances }) => [name, t.clusterOption(name, instances)]));
  return (
    <header class="card service-head">
      <p class="crumb">
        <a href={pathTo('services')}>{manifest('services').title[spoken]}</a> / <a href={pathTo('services', {}, { q: `${product}.` })}>{product}</a>
      </p>
      <div class="service-line">
        <h1>
          <span class="offscreen">{t.psmNow}:</span> <span data-testid="service-name">{psm}</span>
        </h1>
        <Star psm={psm} />
        {page && <ExplainedStateBadge state={page.state} />}
        {page && (
          <small class="service-updated">
            <Updated at={receivedAt} />
          </small>
        )}
      </div>
      <Facts view={view} />
      <nav class="tabs" aria-label={t.tabs}>
        {tabsOf('service').map((name) => (
          <a key={name} href={addressOf(name, { psm })} aria-current={name === tab ? 'page' : undefined}>
            {manifest(name).title[spoken]}
          </a>
        ))}
        <a href={pathTo('logs', {}, { psm })}>{t.logs}</a>
      </nav>
    </header>
  );
}

/** Owner, clusters and running versions; a line of this height stands there before they are known. */
function Facts({ view: { page } }: { view: ServiceView }) {
  const t = useTexts();
  const { none } = useMessages();
  if (!page) return <dl class="service-facts" aria-hidden="true" />;
  const clusters = page.clusters.filter(({ instances }) => instances > 0).map(({ name, instances }) => `${name} ${instances}`);
  const facts: Array<[string, string]> = [
    [t.owner, page.owners.join(', ')],
    [t.clusters, clusters.join(', ')],
    [t.running, versionsOf(page.instances.map(({ version }) => version)).join(', ')],
  ];
  return (
    <dl class="service-facts">
      {facts.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value || none}</dd>
        </div>
      ))}
    </dl>
  );
}

/** Each version with how many run it, once there are several: the most common first. */
function versionsOf(versions: string[]): string[] {
  const counts = new Map<string, number>();
  for (const version of versions) if (version) counts.set(version, (counts.get(version) ?? 0) + 1);
  const sorted = [...counts].sort((a, b) => b[1] - a[1]);
  return sorted.map(([version, n]) => (sorted.length > 1 ? `${version} × ${n}` : version));
}

function Star({ psm }: { psm: string }) {
  const t = useTexts();
  const starred = useStore(favourites).starred.includes(psm);
  const label = starred ? t.unstar(psm) : t.star(psm);
  return (
    <button type="button" class="star" aria-pressed={starred} title={label} aria-label={label} onClick={() => toggleStar(psm)}>
      <Icon name="star" />
    </button>
  );
}
