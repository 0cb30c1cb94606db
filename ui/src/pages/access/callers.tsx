import { useState } from 'preact/hooks';
import type { PreviewCaller } from '../../api.gen';
import { ServiceLink } from '../../components/service-link';
import type { ServiceView } from '../../components/service-view';
import { count } from '../../format';
import type { Editing } from '../../rules/use-draft';
import { type CallerRow, type Choice, choiceOf, scopeFor, verdictOf } from './access';
import { useTexts } from './texts';

/** Callers drawn at once. */
const SHOWN = 60;

interface Props {
  rows: CallerRow[];
  editing: Editing;
  view: ServiceView;
  onChoose: (scope: Record<string, unknown>, choice: Choice) => void;
}

/** Each caller with the methods it calls, the verdict on its calls, and the rule it has of its own. */
export function Callers({ rows, editing, view, onChoose }: Props) {
  const t = useTexts();
  const { url } = view;
  const [all, setAll] = useState(false);
  const text = url.get('q').toLowerCase();
  const onlyDenied = url.get('denied') === '1';
  const matches = (each: PreviewCaller) => !text || each.caller.includes(text) || each.method.toLowerCase().includes(text);
  const isDenied = ({ before, hit, recorded = 0 }: PreviewCaller) => before > 0 || hit > 0 || recorded > 0;
  const found = rows
    .map((row) => ({ ...row, methods: row.methods.filter((each) => matches(each) && (!onlyDenied || isDenied(each))) }))
    .filter(({ methods }) => methods.length > 0);
  if (rows.length === 0) return null;
  const left = editing.check?.preview?.more_callers ?? 0;
  return (
    <>
      <div class="filters access-filters">
        <label class="field field-text">
          <span class="field-label">{t.filter}</span>
          <input type="search" placeholder={t.filter} value={url.get('q')} spellcheck={false} onInput={(event) => url.patch({ q: event.currentTarget.value.trim() })} />
        </label>
        <label class={`field check${onlyDenied ? ' field-set' : ''}`}>
          <input type="checkbox" checked={onlyDenied} onChange={(event) => url.patch({ denied: event.currentTarget.checked ? '1' : '' })} />
          {t.onlyDenied}
        </label>
        <span class="dim access-allow">{t.allowHint}</span>
      </div>
      <div class={`scroll${editing.checking ? ' rules-stale' : ''}`} aria-busy={editing.checking}>
        <table class="table access-table">
          <thead>
            <tr>
              <th scope="col">{t.caller}</th>
              <th scope="col" class="num">
                {t.calls}
              </th>
              <th scope="col">{t.verdict}</th>
              <th scope="col">{t.rule}</th>
            </tr>
          </thead>
          {found.slice(0, all ? found.length : SHOWN).map((row) => (
            <Caller key={row.caller} row={row} editing={editing} onChoose={onChoose} />
          ))}
        </table>
        {found.length === 0 && <p class="no-match">{t.noMatch}</p>}
        {found.length > SHOWN && !all && (
          <p class="no-match">
            <button type="button" class="link" onClick={() => setAll(true)}>
              + {count(found.length - SHOWN)}
            </button>
          </p>
        )}
        {left > 0 && <p class="no-match dim">{t.more(left)}</p>}
      </div>
    </>
  );
}

function Caller({ row, editing, onChoose }: { row: CallerRow; editing: Editing; onChoose: Props['onChoose'] }) {
  const t = useTexts();
  const { caller, calls, methods } = row;
  const { rules } = editing.draft;
  const name = caller || t.unknown;
  return (
    <tbody data-testid="access-caller" data-caller={caller}>
      <tr class="access-caller">
        <th scope="rowgroup">{caller ? <ServiceLink psm={caller} /> : <span title={t.unknownHint}>{t.unknown}</span>}</th>
        <td class="num">{count(calls)}</td>
        <td />
        <td>
          <ChoiceSelect label={t.ruleOf(name, t.allMethods)} choice={choiceOf(rules, scopeFor(caller))} onChoose={(choice) => onChoose(scopeFor(caller), choice)} />
          <span class="dim access-all">{t.allMethods}</span>
        </td>
      </tr>
      {methods.map((each) => (
        <tr key={each.method} data-testid="access-method" data-method={each.method}>
          <td class="mono wraps access-method">{each.method}</td>
          <td class="num">{count(each.calls)}</td>
          <td>
            <VerdictMark each={each} draft={editing.touched} />
          </td>
          <td>
            <ChoiceSelect label={t.ruleOf(name, each.method)} choice={choiceOf(rules, scopeFor(caller, each.method))} onChoose={(choice) => onChoose(scopeFor(caller, each.method), choice)} />
          </td>
        </tr>
      ))}
    </tbody>
  );
}

/** What becomes of the calls now, and what would under the draft where that differs. */
function VerdictMark({ each, draft }: { each: PreviewCaller; draft: boolean }) {
  const t = useTexts();
  const { calls, before, hit, recorded = 0 } = each;
  const then = verdictOf(calls, hit, recorded);
  // Of the rules in force it is not told what they only record: without a draft both are the same.
  const now = draft ? verdictOf(calls, before) : then;
  const changes = draft && now !== then && then !== 'recorded';
  return (
    <span class={`access-mark access-${then}`} data-testid="access-verdict-mark" data-verdict={then}>
      <i aria-hidden="true" />
      {changes ? t.becomes(t.verdicts[now] ?? now, t.verdicts[then] ?? then) : t.verdicts[then]}
    </span>
  );
}

export function ChoiceSelect({ label, choice, onChoose }: { label: string; choice: Choice; onChoose: (choice: Choice) => void }) {
  const t = useTexts();
  return (
    <select class={`access-choice${choice ? ' access-chosen' : ''}`} aria-label={label} value={choice} onChange={(event) => onChoose(event.currentTarget.value as Choice)}>
      {Object.entries(t.choices).map(([value, text]) => (
        <option key={value} value={value}>
          {text}
        </option>
      ))}
    </select>
  );
}
