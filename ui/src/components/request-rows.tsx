import type { ChainSummary } from '../api.gen';
import { clockTimeMs, count, dateTimeMs, duration } from '../format';
import { useMessages } from '../i18n';
import { pathTo } from '../paths';
import { FurtherFields } from './further-fields';
import { Outcome } from './outcome';

export const REQUEST_COLUMNS = 7;

export function RequestHeads() {
  const t = useMessages();
  return (
    <tr>
      <th scope="col">{t.requests.columns.start}</th>
      <th scope="col">{t.requests.columns.logid}</th>
      <th scope="col">{t.requests.columns.psm}</th>
      <th scope="col">{t.requests.columns.method}</th>
      <th scope="col" class="num">
        {t.requests.columns.duration}
      </th>
      <th scope="col">{t.requests.columns.outcome}</th>
      <th scope="col" class="num">
        {t.requests.columns.calls}
      </th>
    </tr>
  );
}

export function RequestRow({ chain }: { chain: ChainSummary }) {
  return (
    <tr>
      <td>
        <time title={dateTimeMs(chain.start)}>{clockTimeMs(chain.start)}</time>
      </td>
      <td>
        <a class="mono" href={pathTo('chain', { logid: chain.logid })} data-testid="chain-link">
          {chain.logid}
        </a>
      </td>
      <td>
        <a class="psm" href={pathTo('service-overview', { psm: chain.psm })}>
          {chain.psm}
        </a>
      </td>
      <td class="mono wraps">
        {chain.method}
        <FurtherFields fields={chain.fields} />
      </td>
      <td class="num">{duration(chain.duration_ms)}</td>
      <td>
        <Outcome outcome={chain.outcome} code={chain.code} />
      </td>
      <td class="num">{count(chain.calls)}</td>
    </tr>
  );
}
