import type { ServicePage } from '../api.gen';
import type { Patch, UrlState } from '../urlstate';

/** Seconds: the window of the figures when none was chosen. */
export const DEFAULT_WINDOW = '60';

/** What every tab of a service is given. */
export interface ServiceView {
  psm: string;
  cluster: string;
  url: UrlState;
  /** Undefined before the first answer. */
  page: ServicePage | undefined;
  failed: boolean;
}

/** The query that keeps the cluster and the window that were chosen. */
export function chosen(url: UrlState, more: Patch = {}): Patch {
  return { cluster: url.get('cluster'), window: url.get('window'), ...more };
}
