import { pathTo } from '../paths';
import { isPsm } from '../psm';
import { BreakableName } from './breakable-name';

/** A service's name, leading to its page if it can have one; in a row that is clickable itself, too. */
export function ServiceLink({ psm }: { psm: string }) {
  if (!isPsm(psm)) return <span class="psm"><BreakableName name={psm} /></span>;
  return (
    <a class="psm" href={pathTo('service-overview', { psm })} onClick={(event) => event.stopPropagation()}>
      <BreakableName name={psm} />
    </a>
  );
}
