import { useState } from 'preact/hooks';
import { useQuery } from '../../api/query';
import { Icon } from '../../components/icon';
import { pathTo } from '../../paths';
import { LineDetail } from './line-detail';
import { LineList } from './line-list';
import { term, withTerm } from './query-text';
import { useLineActions } from './results';
import { apiParams, formatSearch, type SearchState, searchPath, type Span } from './search-url';
import { StackView } from './stack-view';
import { useTexts } from './texts';
import { crossesDays } from './time-axis';
import type { SearchAnswer, StackGroup } from '../../api.gen';

const LINES = 200;

interface Props {
  group: StackGroup;
  state: SearchState;
  span: Span;
  pattern: RegExp | null;
}

/** A group of equal stacks: one of them, and the latest lines that carry it. */
export function StackGroupDetail({ group, state, span, pattern }: Props) {
  const t = useTexts();
  const { search } = state;
  const { sample } = group;
  const [open, setOpen] = useState<ReadonlySet<string>>(new Set());
  const actions = useLineActions(state, span);
  const q = withTerm(search.q, term('stack_hash', group.stack_hash));
  const filters = { ...search.filters, psm: group.psms };
  const query = useQuery<SearchAnswer>(`/api/logs/search?${apiParams({ tab: 'stack', q, filters }, span)}&limit=${LINES}`, () => null);
  const lines = query.data?.lines ?? [];
  const toggle = (id: string) => {
    const next = new Set(open);
    if (!next.delete(id)) next.add(id);
    setOpen(next);
  };
  return (
    <div class="group-detail">
      <div class="line-tools">
        <a class="quiet" href={formatSearch({ ...search, tab: 'keyword', q, filters, open: '', live: false })} data-testid="group-lines">
          <Icon name="lines" />
          {t.stack.lines}
        </a>
        {sample.logid && (
          <a class="quiet" href={pathTo('chain', { logid: sample.logid })}>
            <Icon name="chain" />
            {t.stack.sampleChain}
          </a>
        )}
        <a class="quiet" href={searchPath({ range: { since: sample.ts - 60, until: sample.ts + 60 }, filters: { psm: [sample.psm], host: [sample.host] }, open: sample.id })}>
          <Icon name="clock" />
          {t.stack.around}
        </a>
      </div>
      <StackView stack={sample.stack} pattern={pattern} />
      {lines.length > 0 && (
        <section class="group-lines" aria-label={t.stack.latest}>
          <h3>{t.stack.latest}</h3>
          <LineList
            lines={lines}
            open={open}
            onToggle={toggle}
            detail={(line) => <LineDetail line={line} pattern={pattern} actions={actions} />}
            client={false}
            dated={crossesDays(span)}
            pattern={pattern}
          />
        </section>
      )}
    </div>
  );
}
