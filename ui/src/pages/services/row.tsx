import type { Service } from '../../api.gen';
import { BreakableName } from '../../components/breakable-name';
import { instanceCount } from '../../components/clusters';
import { failureTone } from '../../components/failure-tone';
import { Icon } from '../../components/icon';
import { StateBadge } from '../../components/state-badge';
import { compact, count, dateTime, duration, percent } from '../../format';
import { useMessages } from '../../i18n';
import { pathTo } from '../../paths';
import { useTexts } from './texts';
import { clustersInView } from './view';

interface Props {
  service: Service;
  now: number;
  /** Whether figures are known at all. */
  known: boolean;
  cluster: string;
  /** The highest QPS in view, the full width of a bar. */
  busiest: number;
  open: boolean;
  onToggle: () => void;
}

/** A shorter bar would be a dot. */
const VISIBLE_SHARE = 0.02;

export function ServiceRow({ service, now, known, cluster, busiest, open, onToggle }: Props) {
  const t = useTexts();
  const common = useMessages();
  const { psm, calls } = service;
  const share = busiest > 0 ? service.qps / busiest : 0;
  const clusters = clustersInView(service, cluster);
  const measured = (text: string) => (calls > 0 ? text : <span class="dim">{common.none}</span>);
  return (
    <tr data-testid="service-row" data-row={psm} data-psm={psm} class={open ? 'open' : undefined}>
      <th scope="row">
        <span class="row-name">
          <button type="button" class="expander" aria-expanded={open} aria-label={t.expand(psm)} title={t.expand(psm)} onClick={onToggle}>
            <Icon name="chevron" />
          </button>
          <a class="psm" href={pathTo('service-overview', { psm })} data-testid="service-link">
            <BreakableName name={psm} />
          </a>
        </span>
        <StateBadge state={service.state} />
      </th>
      <td class="wide">{runtimeOf(service) || <span class="dim">{common.none}</span>}</td>
      <td class="extra">{service.protocol && <span class="chip">{service.protocol}</span>}</td>
      <td class="extra">{clusters.map(({ name }) => name).join(', ') || <span class="dim">{common.none}</span>}</td>
      <td class="num wide">{count(instanceCount(clusters))}</td>
      <td class="num bar-cell">
        {share >= VISIBLE_SHARE && <span class="bar" style={{ width: `${100 * share}%` }} />}
        <span class="bar-value">{known ? compact(service.qps) : <span class="dim">{common.none}</span>}</span>
      </td>
      <td class={`num ${failureTone(service.failure_rate)}`}>{measured(percent(service.failure_rate))}</td>
      <td class={`num wide ${service.rejected_rate > 0 ? 'mild-text' : ''}`}>{measured(percent(service.rejected_rate))}</td>
      <td class="num wide">{measured(duration(service.avg_ms))}</td>
      <td class="num">{measured(duration(service.p99_ms))}</td>
      <td class="num wide">
        {service.last_seen > 0 ? (
          <time title={dateTime(service.last_seen)}>{common.figures.atMost(common.ago(Math.max(0, Math.round(now - service.last_seen))))}</time>
        ) : (
          <span class="dim">{common.none}</span>
        )}
      </td>
    </tr>
  );
}

export function runtimeOf({ language, framework, framework_version }: Service): string {
  const full = framework_version && framework ? `${framework} ${framework_version}` : framework;
  return [language, full].filter(Boolean).join(' · ');
}
