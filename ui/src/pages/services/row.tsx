import type { Service } from '../../api/types';
import { Icon } from '../../components/icon';
import { compact, count, dateTime, percent } from '../../format';
import { useMessages } from '../../i18n';
import { clustersInView, instanceCount } from './view';

interface Props {
  service: Service;
  now: number;
  cluster: string;
  /** The highest QPS in view, the full width of a bar. */
  busiest: number;
  open: boolean;
  onToggle: () => void;
}

const WORRYING_ERROR_RATE = 0.01;
/** A shorter bar would be a dot. */
const VISIBLE_SHARE = 0.02;

export function ServiceRow({ service, now, cluster, busiest, open, onToggle }: Props) {
  const t = useMessages();
  const { psm, calls } = service;
  const share = busiest > 0 ? service.qps / busiest : 0;
  const clusters = clustersInView(service, cluster);
  const measured = (text: string) => (calls > 0 ? text : <span class="dim">{t.none}</span>);
  return (
    <tr data-testid="service-row" data-psm={psm} class={open ? 'open' : undefined}>
      <th scope="row">
        <button type="button" class="expander" aria-expanded={open} title={t.services.expand(psm)} onClick={onToggle}>
          <Icon name="chevron" />
          <span class="psm">{psm}</span>
        </button>
        <Badge onboarded={service.onboarded} />
      </th>
      <td class="wide">{runtimeOf(service) || <span class="dim">{t.none}</span>}</td>
      <td class="wide">{service.protocol && <span class="chip">{service.protocol}</span>}</td>
      <td class="wide">{clusters.map(({ name }) => name).join(', ') || <span class="dim">{t.none}</span>}</td>
      <td class="num wide">{count(instanceCount(clusters))}</td>
      <td class="num bar-cell">
        {share >= VISIBLE_SHARE && <span class="bar" style={{ width: `${100 * share}%` }} />}
        <span class="bar-value">{compact(service.qps)}</span>
      </td>
      <td class={`num ${errorTone(service)}`}>{measured(percent(service.error_rate))}</td>
      <td class="num">{measured(`${compact(service.avg_ms)} ms`)}</td>
      <td class="num">{measured(`${compact(service.p99_ms)} ms`)}</td>
      <td class="num">{service.last_seen > 0 ? (
          <time title={dateTime(service.last_seen)}>{t.ago(Math.max(0, Math.round(now - service.last_seen)))}</time>
        ) : (
          <span class="dim">{t.none}</span>
        )}</td>
    </tr>
  );
}

function Badge({ onboarded }: { onboarded: boolean }) {
  const t = useMessages();
  return onboarded ? (
    <span class="badge badge-on" title={t.services.onboardedHint}>
      {t.services.onboarded}
    </span>
  ) : (
    <span class="badge" title={t.services.notOnboardedHint}>
      {t.services.notOnboarded}
    </span>
  );
}

export function runtimeOf({ language, framework, framework_version }: Service): string {
  const full = framework_version && framework ? `${framework} ${framework_version}` : framework;
  return [language, full].filter(Boolean).join(' · ');
}

function errorTone({ error_rate }: Service): string {
  if (error_rate >= WORRYING_ERROR_RATE) return 'bad-text';
  return error_rate > 0 ? 'mild-text' : '';
}
