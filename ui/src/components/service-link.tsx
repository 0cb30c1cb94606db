import { BreakableName } from '../../components/breakable-name';
import { isPsm, servicePath } from '../../paths';

/** A service's name, leading to its page if it can have one. */
export function ServiceLink({ psm }: { psm: string }) {
  if (!isPsm(psm)) return <span class="psm">{psm}</span>;
  return (
    <a class="psm" href={servicePath(psm)}>
      <BreakableName name={psm} />
    </a>
  );
}
