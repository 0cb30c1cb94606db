import { useState } from 'preact/hooks';
import { useQuery } from '../../api/query';
import type { DegradePage, SwitchRow } from '../../api.gen';
import { FilterSelect } from '../../components/filter-select';
import { SearchField } from '../../components/search-field';
import { Trouble } from '../../components/trouble';
import { count } from '../../format';
import { useTitle } from '../../title';
import { useUrlState } from '../../urlstate';
import { FlipDialog, type Target } from './flip';
import { Groups } from './groups';
import { SwitchTable } from './switch-table';
import { useTexts } from './texts';

const REFRESH_MS = 5000;

/** What is switched off in the fleet, by whom, since when; and what can be. */
export default function DegradeScreen() {
  const t = useTexts();
  const url = useUrlState();
  useTitle(t.title);
  const query = useQuery<DegradePage>('/api/degrade', (_, error) => (error && !error.away ? null : REFRESH_MS));
  const [target, setTarget] = useState<Target>();
  const page = query.data;
  const show = url.get('show');
  const text = url.get('q');
  const shown = page?.switches.filter((row) => (show === 'off' ? row.state !== 'on' : show === 'mine' ? row.may_flip : true) && includes(row, text)) ?? [];
  return (
    <>
      <h1 class="offscreen">{t.title}</h1>
      <Trouble query={query} retrying />
      {page && <Verdict page={page} />}
      <section class="card" aria-labelledby="degrade-list">
        <header class="card-head">
          <h2 id="degrade-list">{t.list.title}</h2>
          <p class="card-sub">{page && count(shown.length)}</p>
        </header>
        {page && page.switches.length > 0 && (
          <div class="filters">
            <FilterSelect
              label={t.list.show}
              value={show}
              options={[
                ['', t.list.all],
                ['off', t.list.notOn],
                ['mine', t.list.mine],
              ]}
              onChange={(value) => url.patch({ show: value })}
            />
            <SearchField label={t.list.filter} value={text} testId="degrade-filter" onInput={(value) => url.patch({ q: value })} />
          </div>
        )}
        {page && shown.length > 0 && <SwitchTable rows={shown} now={page.now} frozen={page.frozen !== ''} onFlip={setTarget} />}
        {page && shown.length === 0 && page.switches.length > 0 && <p class="no-match">{t.list.nothing}</p>}
        {page && page.switches.length === 0 && (
          <div class="degrade-blank">
            <h3>{t.list.empty}</h3>
            <p>{t.list.emptyLead}</p>
          </div>
        )}
        {!page && !query.error && (
          <div class="degrade-waiting placeholder" aria-hidden="true">
            <i />
            <i />
            <i />
          </div>
        )}
      </section>
      {page && <Groups page={page} onFlip={setTarget} onChanged={query.refresh} />}
      {target && (
        <FlipDialog
          target={target}
          onDone={query.refresh}
          onClose={() => {
            setTarget(undefined);
            query.refresh();
          }}
        />
      )}
    </>
  );
}

function Verdict({ page }: { page: DegradePage }) {
  const t = useTexts().verdict;
  const off = page.switches.filter(({ state }) => state !== 'on');
  const services = new Set(off.map(({ psm }) => psm)).size;
  const fallbacks = off.reduce((sum, row) => sum + (row.fallbacks ?? 0), 0);
  // Without the facts nobody knows which switches there are.
  const unknown = !page.facts && off.length === 0;
  return (
    <section class={`card degrade-verdict degrade-${off.length ? 'mild' : unknown ? 'unknown' : 'good'}`} data-testid="degrade-verdict">
      <p>
        <i class="degrade-mark" aria-hidden="true" />
        <strong>{off.length ? t.off(off.length, services) : unknown ? t.unknown : t.none}</strong> {off.length === 0 && page.switches.length > 0 && t.known(page.switches.length)}
        {fallbacks > 0 && t.fallbacks(count(fallbacks))}
      </p>
      {page.frozen && <p class="degrade-note">{t.frozen(page.frozen)}</p>}
      {!page.facts && <p class="degrade-note">{t.away}</p>}
    </section>
  );
}

function includes(row: SwitchRow, text: string): boolean {
  const all = [row.name, row.psm, row.reason, row.users_see, row.person, ...row.owners].join(' ').toLowerCase();
  return text.toLowerCase().split(' ').every((word) => all.includes(word));
}
