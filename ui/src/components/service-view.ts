import type { ServicePage } from '../api.gen';
import type { UrlState } from '../urlstate';

/** What every tab of a service is given. */
export interface ServiceView {
  psm: string;
  cluster: string;
  url: UrlState;
  /** Undefined before the first answer. */
  page: ServicePage | undefined;
  failed: boolean;
}
