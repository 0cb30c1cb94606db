import { pathTo } from '../paths';
import { isPsm } from '../psm';
import { BreakableName } from './breakable-name';

/** A service's name, leading to its page if it can have one. */
export function ServiceLink({ psm }: { psm: string }) {
  if (!isPsm(psm)) return <span class="psm">{psm}</span>;
  return (
    <a class="psm" href={pathTo('service-overview', { psm })}>
      <BreakableName name={psm} />
    </a>
  );
}
