import { Updated } from '../../components/ago';
import { FilterSelect } from '../../components/filter-select';
import { Icon } from '../../components/icon';
import { chosen, DEFAULT_WINDOW, type ServiceView } from '../../components/service-view';
import { ExplainedStateBadge } from '../../components/state-badge';
import { favourites, toggleStar } from '../../favourites';
import { useMessages } from '../../i18n';
import type { PageName } from '../../pages.gen';
import { addressOf, manifest, pathTo, tabsOf } from '../../paths';
import { language } from '../../preferences';
import { useStore } from '../../store';
import { withQuery } from '../../urlstate';
import { useTexts } from './texts';

const WINDOWS = ['60', '300', '900', '3600'] as const;

/** Names the service, chooses its cluster, says whether it is on-boarded, and leads to its pages. */
export function ServiceHead({ view, tab, receivedAt }: { view: ServiceView; tab: PageName | undefined; receivedAt: number }) {
  const t = useTexts();
  const common = useMessages();
  const spoken = useStore(language);
  const { psm, url, page, cluster } = view;
  return (
    <header class="card service-head">
      <a class="back" href={pathTo('services')}>
        <Icon name="back" />
        {t.back}
      </a>
      <div class="service-line">
        <h1>
          <span class="service-label">{t.psmNow}:</span> <span data-testid="service-name">{psm}</span>
        </h1>
        <Star psm={psm} />
        {page && <ExplainedStateBadge state={page.state} />}
        <div class="service-choices">
          <ClusterSelect view={view} />
          <FilterSelect
            label={t.window}
            value={url.get('window') || DEFAULT_WINDOW}
            neutral={DEFAULT_WINDOW}
            options={WINDOWS.map((seconds) => [seconds, common.seconds[seconds]] as const)}
            onChange={(window) => url.patch({ window: window === DEFAULT_WINDOW ? undefined : window })}
          />
        </div>
      </div>
      <div class="service-foot">
        <nav class="tabs" aria-label={t.tabs}>
          {tabsOf('service').map((name) => (
            <a key={name} href={withQuery(addressOf(name, { psm }), chosen(url))} aria-current={name === tab ? 'page' : undefined}>
              {manifest(name).title[spoken]}
            </a>
          ))}
          <a href={pathTo('logs', {}, { psm, cluster })}>{t.logs}</a>
        </nav>
        {page && <Updated at={receivedAt} />}
      </div>
    </header>
  );
}

function ClusterSelect({ view: { page, cluster, url } }: { view: ServiceView }) {
  const t = useTexts();
  const clusters = page?.clusters ?? [];
  const options = clusters.map(({ name, instances }) => [name, t.clusterOption(name, instances)] as const);
  if (cluster && !clusters.some(({ name }) => name === cluster)) options.push([cluster, t.clusterOption(cluster, 0)]);
  return (
    <FilterSelect label={t.cluster} value={cluster} options={[['', t.allClusters], ...options]} onChange={(name) => url.patch({ cluster: name })} />
  );
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
