import type { RuleClash } from '../api.gen';
import { useAgo } from '../components/ago';
import { Icon } from '../components/icon';
import { DiffView, TextDiff } from './diff-view';
import { useRuleTexts } from './texts';
import type { Editing } from './use-draft';

/** Somebody published first: what they changed beside what the reader is about to change. */
export function ClashView({ clash, editing }: { clash: RuleClash; editing: Editing }) {
  const t = useRuleTexts().clash;
  const { draft, rebase, discard } = editing;
  return (
    <section class="rules-clash" role="alert" data-testid="rules-clash">
      <p>
        <Icon name="warning" /> <strong>{t.title(clash.author, clash.version)}</strong> <Moment clash={clash} />
      </p>
      <p>{t.lead}</p>
      <div class="rules-sides">
        <div>
          <h4>{t.theirs(clash.seen, clash.version)}</h4>
          <DiffView diff={clash.theirs} />
        </div>
        <div>
          <h4>{t.mine(clash.seen)}</h4>
          <TextDiff before={draft.baseYaml} after={draft.yaml} />
        </div>
      </div>
      <p class="rules-acts">
        <button type="button" class="button" onClick={() => void rebase().catch(() => undefined)}>
          {t.rebase}
        </button>
        <button type="button" class="quiet" onClick={discard}>
          {t.drop}
        </button>
      </p>
    </section>
  );
}

function Moment({ clash }: { clash: RuleClash }) {
  const t = useRuleTexts().clash;
  return <span class="dim">{t.when(useAgo(clash.at * 1000), clash.comment)}</span>;
}
