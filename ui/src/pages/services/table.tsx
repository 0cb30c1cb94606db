import { useRef } from 'preact/hooks';
import type { Service } from '../../api.gen';
import { SkeletonRows } from '../../components/skeleton';
import { SortHeader } from '../../components/sort-header';
import { useRowsInSight } from '../../components/use-rows-in-sight';
import { type Messages, useMessages } from '../../i18n';
import type { UrlState } from '../../urlstate';
import { ServiceDetail } from './detail';
import { ServiceRow } from './row';
import { useTexts } from './texts';
import { COLUMNS, nextOrder, orderOf, type SortKey } from './view';

/** Pixels, of most rows. */
const ROW_HEIGHT = 34;

interface Props {
  /** Undefined before the first answer. */
  services: Service[] | undefined;
  /** The platform's clock at that answer. */
  now: number;
  /** Whether figures are known at all. */
  known: boolean;
  failed: boolean;
  url: UrlState;
}

export function ServiceTable({ services, now, known, failed, url }: Props) {
  const t = useTexts();
  const common = useMessages();
  const order = orderOf(url.get('sort'));
  const open = new Set(url.get('open').split(',').filter(Boolean));
  const body = useRef<HTMLTableSectionElement>(null);
  const { from, to, above, below } = useRowsInSight(body, (services ?? []).map(({ psm }) => psm), ROW_HEIGHT);
  const busiest = Math.max(0, ...(services ?? []).map(({ qps }) => qps));

  const sortable = (key: SortKey, kind: 'num' | 'num wide' | '' = 'num') => (
    <SortHeader
      text={t.columns[key]}
      kind={kind}
      hint={hintOf(common, key)}
      sorted={order.key === key ? (order.descending ? 'down' : 'up') : undefined}
      onSort={() => url.patch({ sort: nextOrder(order, key) })}
    />
  );
  const toggle = (psm: string) => {
    if (!open.delete(psm)) open.add(psm);
    url.patch({ open: [...open].join(',') });
  };
  return (
    <div class="scroll">
      <table class="table services" aria-rowcount={services && services.length + 1}>
        <thead>
          <tr>
            {sortable('psm', '')}
            <th scope="col" class="wide">
              {t.columns.runtime}
            </th>
            <th scope="col" class="extra">
              {t.columns.protocol}
            </th>
            <th scope="col" class="extra">
              {t.columns.clusters}
            </th>
            {sortable('instances', 'num wide')}
            {sortable('qps')}
            {sortable('failure_rate')}
            {sortable('rejected_rate', 'num wide')}
            {sortable('avg_ms', 'num wide')}
            {sortable('p99_ms')}
            {sortable('last_seen', 'num wide')}
          </tr>
        </thead>
        <tbody ref={body}>
          {above > 0 && <Gap height={above} />}
          {services?.slice(from, to).map((service) => {
            const { psm } = service;
            const isOpen = open.has(psm);
            return [
              <ServiceRow
                key={psm}
                service={service}
                now={now}
                known={known}
                cluster={url.get('cluster')}
                busiest={busiest}
                open={isOpen}
                onToggle={() => toggle(psm)}
              />,
              isOpen && <ServiceDetail key={`${psm} detail`} service={service} known={known} url={url} />,
            ];
          })}
          {below > 0 && <Gap height={below} />}
          {services === undefined && !failed && <SkeletonRows rows={4} columns={COLUMNS} />}
        </tbody>
      </table>
      {services?.length === 0 && (
        <p class="no-match">
          {t.noMatch}{' '}
          <button type="button" class="link" onClick={() => url.patch({ q: '', cluster: '', state: '' })}>
            {common.clearFilters}
          </button>
        </p>
      )}
    </div>
  );
}

/** Stands for rows that are not drawn, because they are not in sight. */
function Gap({ height }: { height: number }) {
  return (
    <tr class="gap" aria-hidden="true">
      <td colSpan={COLUMNS} style={{ height: `${height}px` }} />
    </tr>
  );
}

function hintOf({ figures }: Messages, key: SortKey): string | undefined {
  const hints: Partial<Record<SortKey, string>> = {
    failure_rate: figures.failuresHint,
    rejected_rate: figures.rejectedHint,
    last_seen: figures.lastSeenHint,
  };
  return hints[key];
}
