import type { ServiceInstance } from '../../api.gen';
import { useAgo } from '../../components/ago';
import { failureTone } from '../../components/failure-tone';
import { Icon } from '../../components/icon';
import type { ServiceView } from '../../components/service-view';
import { compact, count, dateTime, percent } from '../../format';
import { useMessages } from '../../i18n';
import { InstanceDetail } from './instance-detail';
import { useTexts } from './texts';

export const INSTANCE_COLUMNS = 12;

/** The instances registered now; each opens to the settings it has in force. */
export function Instances({ view: { page, url, cluster } }: { view: ServiceView }) {
  const t = useTexts().instances;
  const figures = useMessages().figures;
  if (!page || page.state === 'never') return null;
  const open = url.get('instance');
  return (
    <section class="card" aria-labelledby="instances-title">
      <header class="card-head">
        <h2 id="instances-title">{t.title}</h2>
        <p class="card-sub">{page.instances.length > 0 && t.summary(page.instances.length)}</p>
      </header>
      <div class="scroll">
        {page.instances.length > 0 ? (
          <table class="table instances">
            <thead>
              <tr>
                <th scope="col">{t.address}</th>
                <th scope="col">{t.cluster}</th>
                <th scope="col" class="num wide">
                  {t.pid}
                </th>
                <th scope="col" class="wide">
                  {t.version}
                </th>
                <th scope="col" class="wide">
                  {t.started}
                </th>
                <th scope="col" class="wide">
                  {t.runtime}
                </th>
                <th scope="col" class="extra">
                  {t.server}
                </th>
                <th scope="col" class="num wide">
                  {t.workers}
                </th>
                <th scope="col" class="num wide">
                  {t.threads}
                </th>
                <th scope="col" class="extra">
                  {t.debug}
                </th>
                <th scope="col" class="num">
                  {figures.qps}
                </th>
                <th scope="col" class="num">
                  {figures.failures}
                </th>
              </tr>
            </thead>
            <tbody>{page.instances.map((instance) => rowsOf(instance))}</tbody>
          </table>
        ) : (
          <p class="no-match">{cluster ? t.emptyCluster : t.empty}</p>
        )}
      </div>
    </section>
  );

  function rowsOf(instance: ServiceInstance) {
    const isOpen = open === instance.id;
    const toggle = () => url.patch({ instance: isOpen ? '' : instance.id });
    return [
      <InstanceRow key={instance.id} instance={instance} known={page?.traffic_known === true} open={isOpen} onToggle={toggle} />,
      isOpen && <InstanceDetail key={`${instance.id} detail`} instance={instance} columns={INSTANCE_COLUMNS} />,
    ];
  }
}

function InstanceRow({ instance, known, open, onToggle }: { instance: ServiceInstance; known: boolean; open: boolean; onToggle: () => void }) {
  const t = useTexts().instances;
  const { none } = useMessages();
  const { figures, reported } = instance;
  const started = useAgo(instance.started * 1000);
  const shown = (text: string | number) => (reported && text ? text : <span class="dim">{none}</span>);
  return (
    <tr data-testid="instance-row" data-id={instance.id} class={open ? 'open' : undefined}>
      <th scope="row">
        <button type="button" class="expander" aria-expanded={open} title={t.expand(instance.address)} onClick={onToggle}>
          <Icon name="chevron" />
          <span class="mono">{instance.address}</span>
        </button>
      </th>
      <td>{instance.cluster}</td>
      <td class="num wide">{instance.pid || <span class="dim">{none}</span>}</td>
      <td class="wide">{instance.version || <span class="dim">{none}</span>}</td>
      <td class="wide">
        {instance.started ? <time title={dateTime(instance.started)}>{started}</time> : <span class="dim">{none}</span>}
      </td>
      <td class="wide">{shown([instance.python, instance.pie].filter(Boolean).join(' · '))}</td>
      <td class="extra">{shown(instance.server)}</td>
      <td class="num wide">{shown(instance.workers)}</td>
      <td class="num wide">{shown(instance.threads)}</td>
      <td class="extra mono path" title={instance.debug}>
        {instance.debug || <span class="dim">{none}</span>}
      </td>
      <td class="num" title={known ? count(figures.calls) : undefined}>
        {known ? compact(figures.qps) : <span class="dim">{none}</span>}
      </td>
      <td class={`num ${figures.calls ? failureTone(figures.failures / figures.calls) : ''}`}>
        {figures.calls ? percent(figures.failures / figures.calls) : <span class="dim">{none}</span>}
      </td>
    </tr>
  );
}
