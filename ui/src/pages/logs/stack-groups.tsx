import { useEffect } from 'preact/hooks';
import { useQuery } from '../../api/query';
import { Icon } from '../../components/icon';
import { Trouble } from '../../components/trouble';
import { clockTime, count, dateTime, dateTimeMs } from '../../format';
import { Highlighted } from './highlighted';
import { NothingFound } from './nothing-found';
import { WaitingLines } from './results';
import type { SearchState, Span } from './search-url';
import { StackGroupDetail } from './stack-group-detail';
import { useTexts } from './texts';
import type { StackGroups as Answer } from '../../api.gen';

interface Props {
  state: SearchState;
  params: string;
  span: Span;
  round: number;
  pattern: RegExp | null;
  /** The page already says that the platform is in trouble. */
  explained: boolean;
}

/** Errors by their stacks: equal stacks are one group. */
export function StackGroups({ state, params, span, round, pattern, explained }: Props) {
  const t = useTexts();
  const query = useQuery<Answer>(`/api/logs/stacks?${params}`, () => null, true);
  useEffect(() => {
    if (round) query.refresh();
  }, [round]);
  const groups = query.data?.groups;
  const most = Math.max(1, ...(groups ?? []).map((group) => group.count));
  const { search, patch } = state;
  return (
    <section class="card results" aria-labelledby="groups-title" aria-busy={query.pending}>
      <header class="card-head results-head">
        <h2 id="groups-title">{groups ? t.stack.groups(groups.length) : t.nav.stack}</h2>
        <p class="card-sub">{query.pending ? t.results.searching : t.stack.subtitle}</p>
      </header>
      {!explained && query.error?.status !== 400 && <Trouble query={query} retrying={false} />}
      {!groups && !query.error && <WaitingLines />}
      {groups?.length === 0 && !query.pending && !query.error && <NothingFound state={state} />}
      {groups && groups.length > 0 && (
        <ol class={`groups${query.pending ? ' stale' : ''}`}>
          {groups.map((group) => {
            const open = search.open === group.stack_hash;
            return (
              <li key={group.stack_hash} class={open ? 'open' : undefined} data-testid="stack-group">
                <button type="button" class="group-head" aria-expanded={open} onClick={() => patch({ open: open ? '' : group.stack_hash })}>
                  <Icon name="chevron" />
                  <span class="group-count">
                    {count(group.count)}
                    <i style={{ width: `${(group.count / most) * 100}%` }} />
                  </span>
                  <span class="group-error">
                    <Highlighted text={group.error} pattern={pattern} />
                  </span>
                  <span class="group-psms">{group.psms.join(', ')}</span>
                  <span class="group-when">
                    <Moment label={t.stack.first} at={group.first} />
                    <Moment label={t.stack.last} at={group.last} />
                  </span>
                </button>
                {open && <StackGroupDetail group={group} state={state} span={span} pattern={pattern} />}
              </li>
            );
          })}
        </ol>
      )}
    </section>
  );
}

function Moment({ label, at }: { label: string; at: number }) {
  const today = dateTime(at).slice(0, 10) === dateTime(Date.now() / 1000).slice(0, 10);
  return (
    <time title={dateTimeMs(at)}>
      <small>{label}</small> {today ? clockTime(at) : dateTime(at).slice(5, 16)}
    </time>
  );
}
