import { useEffect, useRef, useState } from 'preact/hooks';
import { useQuery } from '../../api/query';
import type { RuleKinds, RuleSetDetail, RuleSetHead, RuleSetList } from '../../api.gen';
import type { ServiceView } from '../../components/service-view';
import { Trouble } from '../../components/trouble';
import { type RuleKey, ruleApi } from '../../rules/rule';
import { withQuery } from '../../urlstate';
import { useVisit } from '../../visit';
import { Editor } from './editor';
import { EffectCard } from './effect';
import { FreezeBanner } from './freeze';
import { History } from './history';
import { KindList } from './kind-list';
import { useTexts } from './texts';

const REFRESH_MS = 5000;
/** While a version comes into force the reader watches. */
const SOON_MS = 1000;
const WATCHED_MS = 60_000;
const SIDES = ['server', 'client', 'callers'];

/** What is in force for a service, since when, what it does; and how to change it. */
export default function GovernanceTab({ view }: { view: ServiceView }) {
  const t = useTexts();
  const { psm, url } = view;
  const visit = useVisit();
  const [watched, setWatched] = useState(0);
  const cadence = () => (Date.now() - watched < WATCHED_MS ? SOON_MS : visit.cadence(REFRESH_MS));
  const list = useQuery<RuleSetList>(withQuery(`/api/rules/${encodeURIComponent(psm)}`, visit.asked), (_, error) => (error?.status === 403 ? null : cadence()), true);
  const kinds = useQuery<RuleKinds>('/api/rules/kinds', (data) => (data ? null : REFRESH_MS));
  const side = SIDES.find((each) => each === url.get('side')) ?? 'server';
  const kind = url.get('kind');
  const answer = list.data?.psm === psm ? list.data : undefined;
  const head = answer?.sets.find((each) => each.side === side && each.kind === kind);
  const refresh = () => {
    setWatched(Date.now());
    list.refresh();
  };

  if (list.error?.status === 403)
    return (
      <section class="card notice">
        <h2>{t.forbidden}</h2>
        <p>{t.forbiddenLead}</p>
        <p>{list.error.message}</p>
      </section>
    );
  return (
    <>
      <Trouble query={list} retrying />
      {answer?.frozen && <FreezeBanner frozen={answer.frozen} onChanged={refresh} />}
      <div class={`gov${head ? ' gov-chosen' : ''}`}>
        <div class="gov-left">
          <KindList answer={answer} failed={list.error !== undefined} side={side} kind={kind} url={url} onChanged={refresh} />
          {head && <EffectCard head={head} />}
          {head && <History key={`${psm} ${side} ${kind} ${head.version}`} head={head} mayPublish={answer?.may_publish ?? false} onChanged={refresh} />}
        </div>
        <div class="gov-right">
          {head && answer ? (
            <Chosen key={`${psm}/${side}/${kind}`} head={head} list={answer} kinds={kinds.data} view={view} onChanged={refresh} />
          ) : (
            answer && <p class="card gov-hint">{t.nothingChosen}</p>
          )}
        </div>
      </div>
    </>
  );
}

interface ChosenProps {
  head: RuleSetHead;
  list: RuleSetList;
  kinds: RuleKinds | undefined;
  view: ServiceView;
  onChanged: () => void;
}

/** One rule set: asked for anew whenever the list shows another version of it. */
function Chosen({ head, list, kinds, view, onChanged }: ChosenProps) {
  const t = useTexts();
  const key: RuleKey = { psm: head.psm, side: head.side, kind: head.kind };
  const query = useQuery<RuleSetDetail>(ruleApi(key), (data, error) => (data && !error ? null : REFRESH_MS));
  const holder = useRef<HTMLDivElement>(null);
  const known = query.data?.head.version;
  useEffect(() => {
    if (known !== undefined && known !== head.version) query.refresh();
  }, [head.version]);
  // On a narrow screen the editor stands below the list: a reader who chose a kind wants to see it.
  useEffect(() => {
    const box = holder.current?.getBoundingClientRect();
    if (box && box.top > globalThis.innerHeight * 0.6) holder.current?.scrollIntoView({ block: 'start' });
  }, [known === undefined]);
  const kind = kinds?.kinds?.find((each) => each.kind === head.kind);
  // The newest of both answers: who publishes at this moment must not wait for the next round.
  const detail = query.data && { ...query.data, head: { ...query.data.head, in_force: head.in_force, rollout: head.rollout }, frozen: list.frozen, may_publish: list.may_publish };
  return (
    <div ref={holder} class="gov-editor">
      <Trouble query={query} retrying />
      {detail && kind && <Editor detail={detail} kind={kind} scope={kinds?.scope ?? []} head={head} owners={list.owners} view={view} onChanged={() => (onChanged(), query.refresh())} />}
      {detail && kinds && !kind && <p class="card gov-hint">{head.unreadable || t.editor.unreadable}</p>}
      {!detail && !query.error && <EditorSkeleton label={t.loading} />}
    </div>
  );
}

function EditorSkeleton({ label }: { label: string }) {
  return (
    <section class="card gov-skeleton placeholder" aria-label={label}>
      <i />
      <i />
      <i />
      <i />
    </section>
  );
}
