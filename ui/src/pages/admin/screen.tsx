import { useQuery } from '../../api/query';
import type { PeopleList } from '../../api.gen';
import { ChangeStream } from '../../components/change-stream';
import { Trouble } from '../../components/trouble';
import { useTitle } from '../../title';
import { useUrlState, withQuery } from '../../urlstate';
import { People } from './people';
import { useTexts } from './texts';

const REFRESH_MS = 30_000;
const TABS = ['people', 'audit'] as const;

/** Who may use the platform, with which tokens; and who did what. */
export default function AdminPage() {
  const t = useTexts();
  const url = useUrlState();
  useTitle(t.title);
  const path = withQuery('/api/people', { q: url.get('name') });
  const query = useQuery<PeopleList>(path, (_, error) => (error?.status === 403 ? null : REFRESH_MS), true);
  const list = query.data;
  const tab = url.get('tab') === 'audit' ? 'audit' : 'people';
  if (query.error?.status === 403) return <Forbidden />;
  return (
    <>
      <h1 class="offscreen">{t.title}</h1>
      <Trouble query={query} retrying />
      <section class="card admin-verdict" data-testid="verdict">
        {list ? (
          <>
            <h2>{t.verdict(list.total, list.admins)}</h2>
            <p>{list.known || !list.admin ? t.you(list.user, list.admin) : t.fileToken(list.user)}</p>
          </>
        ) : (
          <div class="placeholder admin-waiting" aria-hidden="true">
            <i />
            <i />
          </div>
        )}
        <div class="segments" role="group" aria-label={t.title}>
          {TABS.map((each) => (
            <button key={each} type="button" aria-pressed={tab === each} onClick={() => url.push({ tab: each === 'people' ? '' : each, person: '', open: '' })}>
              {t.tabs[each]}
            </button>
          ))}
        </div>
      </section>
      {tab === 'people' ? (
        <People list={list} failed={query.error !== undefined} url={url} onChanged={query.refresh} />
      ) : (
        <ChangeStream url={url} title={t.audit} />
      )}
    </>
  );
}

function Forbidden() {
  const t = useTexts().forbidden;
  return (
    <section class="card notice" data-testid="forbidden">
      <h1>{t.title}</h1>
      <p>{t.lead}</p>
    </section>
  );
}
