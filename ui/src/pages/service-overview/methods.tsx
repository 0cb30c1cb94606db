import { useState } from 'preact/hooks';
import type { ServiceMethod } from '../../api.gen';
import { FIGURES, FigureHeads } from '../../components/figure-cells';
import { Icon } from '../../components/icon';
import { SearchField } from '../../components/search-field';
import type { ServiceView } from '../../components/service-view';
import { SkeletonRows } from '../../components/skeleton';
import { IdlPanel } from './idl';
import { MethodDetail, MethodRow } from './method-row';
import { useTexts } from './texts';

/** Columns beside the figures: name, PSM, signature, last hour, monitor, and the median. */
const COLUMNS = FIGURES + 6;
const WORTH_FILTERING = 12;

/** The interface list: every method described or called. */
export function Methods({ view }: { view: ServiceView }) {
  const t = useTexts();
  const { page, url } = view;
  const [wanted, setWanted] = useState('');
  const showIdl = url.get('idl') === '1';
  const methods = page?.methods ?? [];
  const shown = methods.filter(({ method }) => method.toLowerCase().includes(wanted.toLowerCase()));
  const busiest = Math.max(0, ...methods.map(({ figures }) => figures.qps));
  const selfDescribing = methods.some(({ described }) => described);
  const open = url.get('method');
  return (
    <section class="card" aria-labelledby="methods-title">
      <header class="card-head">
        <h2 id="methods-title">{t.methods.title}</h2>
        <p class="card-sub">{page && t.methods.summary(methods.length, page.traffic_known ? methods.filter(({ figures }) => figures.calls > 0).length : undefined)}</p>
        {page?.has_idl && (
          <button type="button" class="quiet" aria-expanded={showIdl} onClick={() => url.patch({ idl: showIdl ? '' : '1' })}>
            <Icon name="file" />
            {t.idl.show}
          </button>
        )}
      </header>
      {page && showIdl && <IdlPanel psm={view.psm} onClose={() => url.patch({ idl: '' })} />}
      {methods.length >= WORTH_FILTERING && (
        <div class="filters">
          <SearchField label={t.methods.filter} value={wanted} onInput={setWanted} />
        </div>
      )}
      <div class="scroll">
        <table class="table methods">
          <thead>
            <tr>
              <th scope="col" class="wide own-psm">
                {t.methods.psm}
              </th>
              <th scope="col">{t.methods.method}</th>
              <th scope="col" class="wide">
                {t.methods.signature}
              </th>
              <FigureHeads median />
              <th scope="col" class="wide">
                {t.methods.hour}
              </th>
              <th scope="col" class="wide">
                {t.methods.monitor}
              </th>
            </tr>
          </thead>
          <tbody>
            {shown.map((method) => rowsOf(method))}
            {!page && !view.failed && <SkeletonRows rows={4} columns={COLUMNS} />}
          </tbody>
        </table>
        {page && shown.length === 0 && <p class="no-match">{methods.length ? t.methods.noMatch : t.methods.empty}</p>}
        {page?.more_methods && <p class="no-match">{t.methods.more}</p>}
      </div>
    </section>
  );

  function rowsOf(method: ServiceMethod) {
    const isOpen = open === method.method && open !== '';
    const toggle = () => url.patch({ method: isOpen ? '' : method.method });
    return [
      <MethodRow key={method.method} psm={view.psm} method={method} busiest={busiest} selfDescribing={selfDescribing} idle={page?.traffic_known === true && method.figures.calls === 0} open={isOpen} onToggle={toggle} />,
      isOpen && <MethodDetail key={`${method.method} detail`} view={view} method={method} columns={COLUMNS} />,
    ];
  }
}
