import type { ServicePage } from '../../api/types';
import { servicePath } from '../../paths';
import type { Patch, UrlState } from '../../urlstate';

/** The pages of a service that are ours; those at other addresses are links in its head. */
export const TABS = ['overview', 'requests'] as const;
export type Tab = (typeof TABS)[number];

export const DEFAULT_WINDOW = '60';

/** What every page of a service is given. */
export interface ServiceView {
  psm: string;
  cluster: string;
  url: UrlState;
  /** Undefined before the first answer. */
  page: ServicePage | undefined;
  failed: boolean;
}

/** Another page of the service, with the cluster and the window that were chosen. */
export function pathOf(psm: string, tab: Tab, url: UrlState, more: Patch = {}): string {
  return servicePath(psm, tab, { cluster: url.get('cluster'), window: url.get('window'), ...more });
}
