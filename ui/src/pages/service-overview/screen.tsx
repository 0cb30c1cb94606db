import { ServedCallList } from '../../components/served-calls';
import type { ServiceView } from '../../components/service-view';
import { pathTo } from '../../paths';
import { Callees } from './callees';
import { Callers } from './callers';
import { ServiceInfo } from './info';
import { Instances } from './instances';
import { Methods } from './methods';
import { Serving } from './monitor';
import { Verdict } from './verdict';

const LATEST_CALLS = 10;

/** The first page of a service. */
export default function OverviewTab({ view }: { view: ServiceView }) {
  const { psm, url, page, failed } = view;
  // What the first answer would push down comes with it.
  const first = (
    <>
      <Verdict view={view} />
      <Serving view={view} />
    </>
  );
  if (!page && !failed) return first;
  return (
    <>
      {first}
      <ServiceInfo view={view} />
      <Methods view={view} />
      <Callers view={view} />
      <Callees view={view} />
      <Instances view={view} />
      <ServedCallList view={view} limit={LATEST_CALLS} all={pathTo('service-requests', { psm }, { outcome: url.get('outcome') })} />
    </>
  );
}
