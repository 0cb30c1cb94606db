import { Callees } from './callees';
import { Callers } from './callers';
import { LatestCalls } from './calls';
import { ServiceInfo } from './info';
import { Instances } from './instances';
import { Methods } from './methods';
import type { ServiceView } from './view';

/** The first page of a service. */
export function Overview({ view }: { view: ServiceView }) {
  return (
    <>
      <ServiceInfo view={view} />
      <Methods view={view} />
      <Callers view={view} />
      <Callees view={view} />
      <Instances view={view} />
      <LatestCalls view={view} />
    </>
  );
}
