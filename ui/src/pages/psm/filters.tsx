import { useRef, useState } from 'preact/hooks';
import type { PsmRow, PsmTree } from '../../api.gen';
import { FilterSelect, withCurrent } from '../../components/filter-select';
import { Icon } from '../../components/icon';
import { SearchField } from '../../components/search-field';
import { useDismiss } from '../../components/use-dismiss';
import { count } from '../../format';
import type { UrlState } from '../../urlstate';
import { csvOf, download } from './csv';
import { FILTERS, type Filter, type Wanted } from './rows';
import { useTexts } from './texts';

interface Props {
  tree: PsmTree | undefined;
  shown: PsmRow[];
  wanted: Wanted;
  url: UrlState;
}

/** Which PSMs are shown, and what can be done with all of them. */
export function Filters({ tree, shown, wanted, url }: Props) {
  const t = useTexts();
  const counts = tree?.counts;
  const numbers: Record<Filter, number | undefined> = { '': counts?.psms, mine: counts?.mine, unowned: counts?.unowned, typo: counts?.typo };
  return (
    <div class="filters psm-filters">
      <div class="segments" role="group" aria-label={t.filterLabel}>
        {FILTERS.map((name) => (
          <button key={name} type="button" aria-pressed={wanted.filter === name} onClick={() => url.patch({ filter: name, fold: '' })}>
            {t.filters[name]} {numbers[name] !== undefined && <small>{count(numbers[name])}</small>}
          </button>
        ))}
      </div>
      <SearchField label={t.search} value={url.get('q')} testId="psm-search" onInput={(q) => url.patch({ q, fold: '' })} />
      <FilterSelect
        label={t.product}
        value={wanted.product}
        options={[['', t.allProducts], ...withCurrent(tree?.products.map(({ name }) => name) ?? [], wanted.product)]}
        onChange={(product) => url.patch({ product, fold: '' })}
      />
      <span class="psm-tools">
        <Declare url={url} />
        <button type="button" class="quiet" disabled={shown.length === 0} title={t.csvHint(count(shown.length))} onClick={() => download('psm.csv', csvOf(shown))}>
          <Icon name="down" />
          {t.csv}
        </button>
      </span>
    </div>
  );
}

/** Opens the details of a name that need not exist yet, where it can be declared. */
function Declare({ url }: { url: UrlState }) {
  const t = useTexts();
  const [open, setOpen] = useState(false);
  const holder = useRef<HTMLSpanElement>(null);
  useDismiss(holder, open, () => setOpen(false));
  return (
    <span class="psm-declare" ref={holder}>
      <button type="button" class="quiet" aria-expanded={open} onClick={() => setOpen(!open)}>
        <Icon name="plus" />
        {t.declare}
      </button>
      {open && (
        <form
          class="psm-popover"
          aria-label={t.declareTitle}
          onSubmit={(event) => {
            event.preventDefault();
            const name = String(new FormData(event.currentTarget).get('name')).trim();
            setOpen(false);
            url.push({ name, edit: '1' });
          }}
        >
          <label for="psm-new">{t.declareTitle}</label>
          <input
            id="psm-new"
            name="name"
            class="mono"
            required
            pattern="\s*[a-z0-9_]+(\.[a-z0-9_]+){0,2}\s*"
            title={t.declareHint}
            placeholder="toutiao.article.article"
            spellcheck={false}
            autocomplete="off"
            ref={(field) => field?.focus()}
          />
          <small>{t.declareHint}</small>
          <button type="submit" class="button">
            {t.declareGo}
          </button>
        </form>
      )}
    </span>
  );
}
