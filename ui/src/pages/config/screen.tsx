import { useEffect, useState } from 'preact/hooks';
import { useQuery } from '../../api/query';
import type { ConfigPage } from '../../api.gen';
import { useAgo } from '../../components/ago';
import { Icon } from '../../components/icon';
import type { ServiceView } from '../../components/service-view';
import { Trouble } from '../../components/trouble';
import { dateTime } from '../../format';
import { countChanges, type Draft, draftOf, keepDraft, keptDraft } from './draft';
import { History } from './history';
import { Instances } from './instances';
import { Overrides } from './overrides';
import { Publish } from './publish';
import { useTexts } from './texts';
import { Values } from './values';

const REFRESH_MS = 3000;

/** What is configured, where it runs, and changing it. */
export default function ConfigTab({ view }: { view: ServiceView }) {
  const { psm, url } = view;
  const t = useTexts();
  const path = `/api/config/${encodeURIComponent(psm)}`;
  const query = useQuery<ConfigPage>(path, (_, error) => (error && !error.away ? null : REFRESH_MS));
  const page = query.data;
  const [edited, setEdited] = useState<Draft | undefined>(() => keptDraft(psm));
  useEffect(() => keepDraft(psm, edited), [psm, edited]);
  const draft = edited ?? (page && draftOf(page));
  const changes = edited ? countChanges(edited) : 0;
  const history = url.get('view') === 'history';
  const reviewing = changes > 0 && url.get('view') === 'publish';
  const done = () => {
    setEdited(undefined);
    query.refresh();
    url.patch({ view: '' });
  };
  return (
    <div class="config">
      <Trouble query={query} retrying />
      {page && <Verdict page={page} />}
      <nav class="config-views" aria-label={t.title}>
        <button type="button" class="quiet" aria-current={!history} onClick={() => url.patch({ view: '' })}>
          {t.views.values}
        </button>
        <button type="button" class="quiet" aria-current={history} onClick={() => url.push({ view: 'history' })}>
          <Icon name="refresh" />
          {t.views.history}
        </button>
      </nav>
      {page && draft && changes > 0 && !history && (
        <Publish page={page} draft={edited ?? draft} changes={changes} open={reviewing} url={url} onDraft={setEdited} onDone={done} />
      )}
      {page && history && <History psm={psm} page={page} onDone={done} />}
      {page && draft && !history && !reviewing && (
        <>
          <Values page={page} draft={draft} onDraft={setEdited} />
          <Overrides page={page} draft={draft} onDraft={setEdited} />
          <Instances page={page} />
        </>
      )}
      {!page && !query.error && <div class="card config-waiting placeholder" aria-hidden="true"><i /><i /><i /></div>}
    </div>
  );
}

/** In one sentence: what is published, and where it runs. */
function Verdict({ page }: { page: ConfigPage }) {
  const t = useTexts().verdict;
  const ago = useAgo(page.at * 1000);
  const { version, running, at_version: at } = page;
  const late = at === null || !version ? [] : page.instances.filter((each) => each.version !== version);
  const sentence = !version
    ? t.none
    : !running
      ? t.nobody(version)
      : at === null
        ? t.unknown(version)
        : at === running
          ? t.all(version, running)
          : t.some(version, at, running);
  const tone = !version || at === null || !running ? 'quiet' : at === running ? 'good' : 'mild';
  return (
    <section class={`card config-verdict config-${tone}`} data-testid="config-verdict">
      <p>
        <i class="config-mark" aria-hidden="true" />
        <strong>{sentence}</strong>
      </p>
      {version > 0 && (
        <p class="config-by">
          <time title={dateTime(page.at)}>{t.by(page.author, ago)}</time>
          {page.comment && <q>{page.comment}</q>}
        </p>
      )}
      {late.slice(0, 3).map((each) => (
        <p key={each.id} class="config-late">
          {t.stays(each.id, each.version, each.trouble)}
        </p>
      ))}
    </section>
  );
}
