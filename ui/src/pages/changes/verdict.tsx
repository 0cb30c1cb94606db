import { useQuery } from '../../api/query';
import type { ChangeList } from '../../api.gen';
import { Updated, useAgo } from '../../components/ago';
import { useMessages } from '../../i18n';
import type { UrlState } from '../../urlstate';
import { Lane } from './lane';
import { useTexts } from './texts';

const REFRESH_MS = 30_000;
const WEEK = '604800';
const MARKS = 500;
/** Releases are noted by the platform, who is nobody. */
const PLATFORM = 'pie';

/** How much was changed, by how many, and what last; drawn over time by kind. */
export function Verdict({ url }: { url: UrlState }) {
  const t = useTexts();
  const common = useMessages().changes;
  const span = url.get('span') || WEEK;
  const since = Math.floor(Date.now() / 60_000) * 60 - Number(span);
  const query = useQuery<ChangeList>(`/api/changes?limit=${MARKS}&since=${since}`, () => REFRESH_MS, true);
  const list = query.data;
  if (!list) return query.error ? null : <Waiting />;
  const total = list.kinds.reduce((sum, { count }) => sum + count, 0);
  const spanText = common.spans[span as keyof typeof common.spans] ?? span;
  const last = list.changes[0];
  return (
    <section class="card changes-verdict" data-testid="verdict">
      <header>
        <h2>{total > 0 ? t.verdict(t.changes(total), list.people.filter(({ name }) => name !== PLATFORM).length, spanText) : t.none(spanText)}</h2>
        <Updated at={query.receivedAt} />
      </header>
      {last && <Last at={last.at} who={last.person} what={[last.psm, last.subject].filter(Boolean).join(' ')} />}
      {total > 0 && <Lane list={list} url={url} />}
      {list.next && <small>{t.laneNote}</small>}
    </section>
  );
}

function Last({ at, who, what }: { at: number; who: string; what: string }) {
  const t = useTexts();
  return <p>{t.last(who, what, useAgo(at * 1000))}</p>;
}

function Waiting() {
  return (
    <section class="card changes-verdict placeholder" aria-hidden="true">
      <i />
      <i />
    </section>
  );
}
