import { ServedCallList } from '../../components/served-calls';
import type { ServiceView } from '../../components/service-view';

const SHOWN = 200;

/** The newest calls that the service served. */
export default function RequestsTab({ view }: { view: ServiceView }) {
  return <ServedCallList view={view} limit={SHOWN} />;
}
