import { useEffect, useRef, useState } from 'preact/hooks';
import { useQuery } from '../../api/query';
import type { RuleKinds, RuleSetDetail, RuleSetList } from '../../api.gen';
import { Icon } from '../../components/icon';
import type { ServiceView } from '../../components/service-view';
import { Trouble } from '../../components/trouble';
import { pathTo } from '../../paths';
import { ClashView } from '../../rules/clash-view';
import { Consequences } from '../../rules/consequences';
import { InForceNow } from '../../rules/in-force';
import { Problems } from '../../rules/problems';
import { PublishBar } from '../../rules/publish-bar';
import { RollOutState } from '../../rules/roll-out';
import { type RuleKey, ruleApi } from '../../rules/rule';
import { useDraft } from '../../rules/use-draft';
import { byCaller, otherRules, withChoice } from './access';
import { AddRule } from './add-rule';
import { Callers } from './callers';
import { OtherRules } from './other-rules';
import { useTexts } from './texts';
import { Verdict } from './verdict';

const REFRESH_MS = 5000;
const SOON_MS = 1000;
const WATCHED_MS = 60_000;

/** Who may call which method: as they call today, under the rules in force and under those being made. */
export default function AccessTab({ view }: { view: ServiceView }) {
  const t = useTexts();
  const { psm } = view;
  const [watched, setWatched] = useState(0);
  const list = useQuery<RuleSetList>(`/api/rules/${encodeURIComponent(psm)}`, (_, error) => (error?.status === 403 ? null : Date.now() - watched < WATCHED_MS ? SOON_MS : REFRESH_MS), true);
  const kinds = useQuery<RuleKinds>('/api/rules/kinds', (data) => (data ? null : REFRESH_MS));
  const answer = list.data?.psm === psm ? list.data : undefined;
  if (list.error?.status === 403)
    return (
      <section class="card notice">
        <h2>{t.forbidden}</h2>
        <p>{list.error.message}</p>
      </section>
    );
  if (kinds.data && !kinds.data.kinds?.some(({ kind }) => kind === 'access')) return <p class="card access-hint">{t.noKind}</p>;
  return (
    <>
      <Trouble query={list} retrying />
      <p class="access-note">
        <Icon name="info" /> {t.selfDeclared}
      </p>
      {answer ? <Access key={psm} list={answer} view={view} onChanged={() => (setWatched(Date.now()), list.refresh())} /> : !list.error && <Skeleton label={t.loading} />}
    </>
  );
}

function Access({ list, view, onChanged }: { list: RuleSetList; view: ServiceView; onChanged: () => void }) {
  const t = useTexts();
  const key: RuleKey = { psm: list.psm, side: 'server', kind: 'access' };
  const head = list.sets.find(({ kind, side }) => kind === 'access' && side === 'server');
  const query = useQuery<RuleSetDetail>(ruleApi(key), (data, error) => (data && !error ? null : REFRESH_MS));
  const known = query.data?.head.version;
  useEffect(() => {
    if (known !== undefined && head && known !== head.version) query.refresh();
  }, [head?.version]);
  if (!query.data || !head)
    return (
      <>
        <Trouble query={query} retrying />
        {!query.error && <Skeleton label={t.loading} />}
      </>
    );
  const detail = { ...query.data, frozen: list.frozen, may_publish: list.may_publish };
  return <Editor rule={key} detail={detail} list={list} view={view} onChanged={() => (onChanged(), query.refresh())} />;
}

function Editor({ rule, detail, list, view, onChanged }: { rule: RuleKey; detail: RuleSetDetail; list: RuleSetList; view: ServiceView; onChanged: () => void }) {
  const t = useTexts();
  const editing = useDraft(rule, detail, true);
  const [published, setPublished] = useState(0);
  const { draft, check, touched, editRules } = editing;
  const head = list.sets.find(({ kind, side }) => kind === rule.kind && side === rule.side) ?? detail.head;
  // While a draft has an error there is no preview: the rows stay, so that it can be mended where it was made.
  const preview = useRef(check?.preview);
  preview.current = check?.preview ?? preview.current;
  const rows = byCaller(preview.current?.callers ?? []);
  const known = preview.current || editing.previewed || editing.trouble;
  const choose = (scope: Record<string, unknown>, choice: Parameters<typeof withChoice>[2]) => editRules(withChoice(draft.rules, scope, choice));
  return (
    <section class="card access" aria-labelledby="access-title">
      <header class="card-head">
        <h2 id="access-title">{t.title}</h2>
        {touched ? <span class="badge badge-blue">{t.draft(head.version + 1)}</span> : <span class="card-sub">{t.version(head.version)}</span>}
        <a href={pathTo('governance', { psm: rule.psm }, { kind: 'access' })}>{t.toEditor}</a>
      </header>
      <Verdict preview={preview.current} away={editing.previewed} ruled={draft.base.length > 0} rows={rows} />
      {check?.clash && <ClashView clash={check.clash} editing={editing} />}
      {known ? (
        <>
          <Callers rows={rows} editing={editing} view={view} onChoose={choose} />
          <OtherRules rules={otherRules(draft.rules, rows)} onChoose={choose} />
          <AddRule onAdd={choose} />
        </>
      ) : (
        <Rows />
      )}
      <Problems editing={editing} fields={[]} />
      <Consequences editing={editing} />
      <PublishBar
        editing={editing}
        detail={detail}
        owners={list.owners}
        onPublished={(done) => {
          setPublished(done.head.version);
          onChanged();
        }}
        onRefused={onChanged}
      />
      {published > 0 && published === head.version && !touched && (
        <p class="rules-done" role="status" data-testid="published">
          <span class="good-text">
            <Icon name="check" /> {t.published(published)}
          </span>
          <InForceNow inForce={head.in_force} />
        </p>
      )}
      <RollOutState head={head} />
    </section>
  );
}

/** As high as a handful of callers, until these are known. */
function Rows() {
  return (
    <div class="access-skeleton placeholder" aria-hidden="true">
      <i />
      <i />
      <i />
      <i />
      <i />
    </div>
  );
}

function Skeleton({ label }: { label: string }) {
  return (
    <section class="card access-skeleton placeholder" aria-label={label}>
      <i />
      <i />
      <i />
    </section>
  );
}
