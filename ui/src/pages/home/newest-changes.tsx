import { useQuery } from '../../api/query';
import type { Change, ChangeList } from '../../api.gen';
import { useAgo } from '../../components/ago';
import { ChangeMark } from '../../components/change-mark';
import { ServiceLink } from '../../components/service-link';
import { dateTime } from '../../format';
import { useMessages } from '../../i18n';
import { pathTo } from '../../paths';
import { useVisit } from '../../visit';
import { useTexts } from './texts';

const SHOWN = 5;
const REFRESH_MS = 10_000;

/** What somebody changed last: often why something fails now. */
export function NewestChanges() {
  const t = useTexts();
  const common = useMessages();
  const visit = useVisit();
  const until = visit.fixed ? `&until=${visit.fixed.until}` : '';
  const query = useQuery<ChangeList>(`/api/changes?limit=${SHOWN}${until}`, () => visit.cadence(REFRESH_MS), true);
  const changes = query.data?.changes;
  return (
    <section class="card home-changes" aria-labelledby="newest-title">
      <header class="card-head">
        <h2 id="newest-title">{t.newest}</h2>
        <a class="head-link" href={pathTo('changes')}>
          {t.allChanges}
        </a>
      </header>
      <ul>
        {changes?.map((change) => (
          <Line key={change.id} change={change} />
        ))}
      </ul>
      {changes?.length === 0 && <p class="no-match">{t.noChanges}</p>}
      {!changes && <p class="no-match dim">{query.error ? common.notKnown : common.loading}</p>}
    </section>
  );
}

function Line({ change }: { change: Change }) {
  const { at, id, kind, psm, subject, version, person, reason } = change;
  const what = subject.split('/').slice(1).join('/') || subject;
  const ago = useAgo(at * 1000);
  return (
    <li>
      <span class="home-change">
        <ChangeMark kind={kind} />
        <a href={pathTo('changes', {}, { open: id })}>
          {what}
          {version > 0 && kind !== 'release' ? ` v${version}` : ''}
        </a>
        <time class="dim" title={dateTime(at)}>
          {ago}
        </time>
      </span>
      <small>
        {psm && <ServiceLink psm={psm} />} {[person, reason].filter(Boolean).join(': ')}
      </small>
    </li>
  );
}
