import { useState } from 'preact/hooks';
import { Icon } from '../../components/icon';
import { patternOf } from '../../rules/rule';
import type { Choice } from './access';
import { useTexts } from './texts';

/** A rule for callers that are not in the list: a prefix, several, or one that has not called yet. */
export function AddRule({ onAdd }: { onAdd: (scope: Record<string, unknown>, choice: Choice) => void }) {
  const t = useTexts();
  const [caller, setCaller] = useState('');
  const [method, setMethod] = useState('');
  const [choice, setChoice] = useState<Choice>('deny');
  const add = (event: SubmitEvent) => {
    event.preventDefault();
    const [who, what] = [patternOf(caller), patternOf(method)];
    onAdd({ ...(who && { caller: who }), ...(what && { method: what }) }, choice);
    setCaller('');
    setMethod('');
  };
  return (
    <form class="access-add" onSubmit={add} aria-label={t.add}>
      <h3>{t.add}</h3>
      <label>
        {t.addCaller}
        <input class="text-input" value={caller} placeholder={t.addCallerHint} spellcheck={false} autocomplete="off" onInput={(event) => setCaller(event.currentTarget.value)} />
      </label>
      <label>
        {t.addMethod}
        <input class="text-input" value={method} placeholder={t.addMethodHint} spellcheck={false} autocomplete="off" onInput={(event) => setMethod(event.currentTarget.value)} />
      </label>
      <label>
        {t.addEffect}
        <select class="text-input" value={choice} onChange={(event) => setChoice(event.currentTarget.value as Choice)}>
          {(['deny', 'dry', 'allow'] as const).map((each) => (
            <option key={each} value={each}>
              {t.choices[each]}
            </option>
          ))}
        </select>
      </label>
      <button type="submit" class="quiet" disabled={!caller.trim() && !method.trim()}>
        <Icon name="plus" />
        {t.addGo}
      </button>
    </form>
  );
}
