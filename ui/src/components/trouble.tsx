import type { ApiError } from '../api/client';
import type { Query } from '../api/query';
import { clockTime } from '../format';
import { useMessages } from '../i18n';
import { useAgo } from './ago';
import { Icon } from './icon';

/** Says that a question got no answer, what to do, and how old the data still shown is. */
export function Trouble({ query, retrying }: { query: Query<unknown>; retrying: boolean }) {
  const t = useMessages();
  const { error, data, receivedAt, refresh } = query;
  if (!error || error.status === 401) return null;
  return (
    <div class="trouble" role="alert">
      <Icon name="warning" />
      <div>
        <Reason error={error} />
        {data !== undefined && <Stale at={receivedAt} />}
      </div>
      {retrying && <span class="trouble-next">{t.trouble.trying}</span>}
      {!retrying && mayPass(error) && (
        <button type="button" onClick={refresh}>
          {t.retry}
        </button>
      )}
    </div>
  );
}

/** Whether the same question may be answered later: a wrong one (400, 403, 404) stays wrong. */
function mayPass({ away, status }: ApiError): boolean {
  return away || status === 408 || status === 429;
}

function Reason({ error }: { error: ApiError }) {
  const t = useMessages();
  if (error.status === 0)
    return (
      <p>
        <strong>{t.trouble.away}</strong> {t.trouble.awayHint}
      </p>
    );
  return (
    <p>
      <strong>{t.trouble.failed(error.status)}</strong> {error.message}
    </p>
  );
}

function Stale({ at }: { at: number }) {
  const t = useMessages();
  return <p>{t.trouble.stale(useAgo(at), clockTime(at / 1000))}</p>;
}
