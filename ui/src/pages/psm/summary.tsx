import type { PsmTree } from '../../api.gen';
import { Updated } from '../../components/ago';
import { count } from '../../format';
import { useTexts } from './texts';

/** The verdict in words: how many there are, and what is wrong with them. */
export function Summary({ tree, receivedAt }: { tree: PsmTree; receivedAt: number }) {
  const t = useTexts();
  const { psms, unowned, typo, mine } = tree.counts;
  const products = tree.products.length;
  return (
    <section class="card psm-verdict" aria-labelledby="psm-verdict" data-testid="verdict">
      <i class={`psm-shape ${unowned || typo ? 'psm-shape-attention' : 'psm-shape-running'}`} aria-hidden="true" />
      <div>
        <h2 id="psm-verdict">
          {t.verdict(psms, count(psms), products, count(products))}
          {t.join}
          {unowned > 0 ? <strong class="mild-text">{t.unowned(unowned, count(unowned))}</strong> : t.allOwned}
        </h2>
        <p>
          {[typo > 0 && t.typos(typo, count(typo)), mine > 0 && t.mineCount(count(mine))].filter(Boolean).map((text) => (
            <span key={String(text)} class="psm-finding">
              {text}
            </span>
          ))}
          <span class="psm-finding">{t.source(tree.seen_days)}</span>
        </p>
        {!tree.seen_known && <p class="mild-text">{t.seenUnknown}</p>}
      </div>
      <small class="psm-updated">
        <Updated at={receivedAt} />
      </small>
    </section>
  );
}
