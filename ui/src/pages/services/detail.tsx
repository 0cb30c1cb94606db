import type { Service } from '../../api.gen';
import { count, dateTime, percent } from '../../format';
import { useMessages } from '../../i18n';
import type { UrlState } from '../../urlstate';
import { runtimeOf } from './row';
import { useTexts } from './texts';
import { clustersInView, COLUMNS } from './view';

/** What an opened row shows: facts that have no column, and the instances. */
export function ServiceDetail({ service, known, url }: { service: Service; known: boolean; url: UrlState }) {
  const t = useTexts();
  const common = useMessages();
  const facts: Array<[string, string]> = [
    [t.columns.runtime, runtimeOf(service)],
    [t.columns.protocol, service.protocol],
    [t.owners, service.owners.join(', ')],
    [t.business, service.calls ? percent(service.business_rate) : ''],
    [t.methods, known ? count(service.methods) : ''],
    [t.calls, known ? count(service.calls) : ''],
  ];
  return (
    <tr class="detail" data-row={service.psm}>
      <td colSpan={COLUMNS}>
        <div class="detail-body under">
          <dl class="facts">
            {facts.map(([name, value]) => (
              <div key={name}>
                <dt>{name}</dt>
                <dd>{value || common.none}</dd>
              </div>
            ))}
          </dl>
          <Instances service={service} cluster={url.get('cluster')} />
          <a class="see-requests" href="#requests" onClick={() => url.patch({ req_psm: service.psm })}>
            {t.seeRequests}
          </a>
        </div>
      </td>
    </tr>
  );
}

function Instances({ service, cluster }: { service: Service; cluster: string }) {
  const t = useTexts();
  const common = useMessages();
  const columns = t.instance;
  const rows = clustersInView(service, cluster).flatMap(({ name, instances }) =>
    instances.map((instance) => ({ cluster: name, ...instance })),
  );
  if (rows.length === 0) return <p class="dim">{t.noInstances} {common.stateHints[service.state]}</p>;
  return (
    <table class="table inner">
      <thead>
        <tr>
          <th scope="col">{columns.address}</th>
          <th scope="col">{columns.cluster}</th>
          <th scope="col" class="num">
            {columns.pid}
          </th>
          <th scope="col">{columns.version}</th>
          <th scope="col">{columns.started}</th>
          <th scope="col">{columns.id}</th>
        </tr>
      </thead>
      <tbody>
        {rows.map((row) => (
          <tr key={row.id}>
            <td class="mono">{`${row.host}:${row.port}`}</td>
            <td>{row.cluster}</td>
            <td class="num">{row.pid}</td>
            <td>{row.version || common.none}</td>
            <td>{dateTime(row.started)}</td>
            <td class="mono dim">{row.id}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
