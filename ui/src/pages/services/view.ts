import type { Cluster, Service } from '../../api.gen';
import { instanceCount } from '../../components/clusters';
import type { UrlState } from '../../urlstate';

/** What of the fleet is shown, in which order: a pure function of the data and the URL. */

export const REFRESH_MS = 5000;

/** How many columns the table of services has. */
export const COLUMNS = 11;

export const SORT_KEYS = ['psm', 'instances', 'qps', 'failure_rate', 'rejected_rate', 'avg_ms', 'p99_ms', 'last_seen'] as const;
export type SortKey = (typeof SORT_KEYS)[number];

export interface Order {
  key: SortKey;
  descending: boolean;
}

const DEFAULT_ORDER: Order = { key: 'qps', descending: true };

/** `qps` sorts upwards, `-qps` downwards. */
export function orderOf(text: string): Order {
  const descending = text.startsWith('-');
  const key = SORT_KEYS.find((candidate) => candidate === text.replace(/^-/, ''));
  return key ? { key, descending } : DEFAULT_ORDER;
}

/** The order after a click on a column: names start upwards, figures downwards. */
export function nextOrder(now: Order, key: SortKey): string {
  const descending = now.key === key ? !now.descending : key !== 'psm';
  return descending ? `-${key}` : key;
}

export function arrange(services: Service[], url: UrlState): Service[] {
  const text = url.get('q').toLowerCase();
  const cluster = url.get('cluster');
  const state = url.get('state');
  const kept = services
    .filter((service) => service.psm.includes(text))
    .filter((service) => !state || service.state === state)
    .filter((service) => !cluster || service.calls > 0 || service.clusters.some(({ name }) => name === cluster));
  const { key, descending } = orderOf(url.get('sort'));
  const sign = descending ? -1 : 1;
  return kept.sort((a, b) => sign * compare(a, b, key) || a.psm.localeCompare(b.psm));
}

/** The clusters in view: all, or the chosen one. */
export function clustersInView(service: Service, cluster: string): Cluster[] {
  return cluster ? service.clusters.filter(({ name }) => name === cluster) : service.clusters;
}

function compare(a: Service, b: Service, key: SortKey): number {
  if (key === 'psm') return a.psm.localeCompare(b.psm);
  if (key === 'instances') return instanceCount(a.clusters) - instanceCount(b.clusters);
  return a[key] - b[key];
}
