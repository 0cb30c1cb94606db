import type { PsmDetail } from '../../api.gen';
import { useTexts } from './texts';

/** Who owns a name, and whose word that is. */
export function Owners({ owners, from }: { owners: string[]; from: PsmDetail['owners_from'] }) {
  const t = useTexts();
  if (from === 'none')
    return (
      <span class="mild-text" title={t.fromHint.none}>
        {t.noOwner}
      </span>
    );
  const above = from === 'subsystem' || from === 'product' ? t.from[from] : undefined;
  return (
    <span class={above && 'dim'} title={t.fromHint[from]}>
      {owners.join(', ')}
      {above && <small> · {above}</small>}
    </span>
  );
}
