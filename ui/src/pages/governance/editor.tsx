import { useState } from 'preact/hooks';
import type { RuleKind, RuleSetDetail, RuleSetHead, ScopeField } from '../../api.gen';
import { Icon } from '../../components/icon';
import type { ServiceView } from '../../components/service-view';
import { ClashView } from '../../rules/clash-view';
import { Consequences } from '../../rules/consequences';
import { InForceNow } from '../../rules/in-force';
import { placedProblems, Problems } from '../../rules/problems';
import { PublishBar } from '../../rules/publish-bar';
import { RollOutState } from '../../rules/roll-out';
import { fieldName } from '../../rules/rule';
import { useRuleTexts } from '../../rules/texts';
import { useDraft } from '../../rules/use-draft';
import { useHelp } from './help';
import { Behind } from './kind-list';
import { RuleForms } from './rule-forms';
import { useTexts } from './texts';
import { YamlEditor } from './yaml-editor';

const VIEWS = ['form', 'both', 'yaml'] as const;

interface Props {
  detail: RuleSetDetail;
  kind: RuleKind;
  scope: ScopeField[];
  head: RuleSetHead;
  owners: string[];
  view: ServiceView;
  onChanged: () => void;
}

/** One rule set as form and as text; below: whether it is valid, what it would do, what changes, and publishing. */
export function Editor({ detail, kind, scope, head, owners, view, onChanged }: Props) {
  const t = useTexts().editor;
  const { url } = view;
  const editing = useDraft({ psm: head.psm, side: head.side, kind: head.kind }, detail);
  const [published, setPublished] = useState(0);
  const shown = VIEWS.find((each) => each === url.get('view')) ?? 'both';
  const { draft, touched, check, both } = editing;
  const fields = ['scope', ...scope.map(({ name }) => fieldName('scope', name)), ...kind.fields.map(({ name }) => fieldName('body', name))];
  const texts = useRuleTexts();
  const help = useHelp();
  return (
    <section class="card" aria-labelledby="editor-title">
      <header class="card-head">
        <h2 id="editor-title">
          {t.title} <span class="mono gov-title">{head.kind}</span>
        </h2>
        {touched ? <span class="badge badge-blue">{t.draft(head.version + 1)}</span> : <span class="card-sub">{t.inForce(head.version)}</span>}
        <div class="segments" role="group" aria-label={t.viewsLabel}>
          {VIEWS.map((each) => (
            <button key={each} type="button" aria-pressed={each === shown} onClick={() => url.patch({ view: each === 'both' ? '' : each })}>
              {t.views[each]}
            </button>
          ))}
        </div>
        <button type="button" class="tool gov-close" aria-label={t.close} title={t.close} onClick={() => url.patch({ kind: '' })}>
          <Icon name="close" />
        </button>
      </header>
      <p class="gov-side dim">
        {help(head.kind, '', head.help)} {kind.every ? t.every : t.specific}
      </p>
      {check?.clash && <ClashView clash={check.clash} editing={editing} />}
      {both.length > 0 && !check?.clash && <p class="banner gov-both">{texts.clash.both(both.length)}</p>}
      <div class={`gov-edit gov-edit-${shown}`}>
        {shown !== 'yaml' && <RuleForms editing={editing} kind={kind} scope={scope} side={head.side} view={view} />}
        {shown !== 'form' && <YamlEditor text={draft.yaml} problems={placedProblems(editing)} onEdit={editing.editYaml} />}
      </div>
      <Problems editing={editing} fields={shown === 'yaml' || editing.broken ? [] : fields} />
      <Consequences editing={editing} />
      <PublishBar
        editing={editing}
        detail={detail}
        owners={owners}
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
      <Behind head={head} />
    </section>
  );
}
