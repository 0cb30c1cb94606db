import { useState } from 'preact/hooks';
import type { ConfigOverride } from '../../api.gen';
import { useTexts } from './texts';

interface Props {
  given?: ConfigOverride;
  /** Names of the others. */
  taken: string[];
  onTake: (made: ConfigOverride) => void;
  onCancel: () => void;
}

const NAME = /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}$/;

/** One override: which instances, and their values as JSON. */
export function OverrideForm({ given, taken, onTake, onCancel }: Props) {
  const t = useTexts();
  const o = t.overrides;
  const [name, setName] = useState(given?.name ?? '');
  const [cluster, setCluster] = useState(given?.cluster.join(', ') ?? '');
  const [env, setEnv] = useState(given?.env.join(', ') ?? '');
  const [instance, setInstance] = useState(given?.instance.join(', ') ?? '');
  const [percent, setPercent] = useState(String(given?.percent ?? 100));
  const [values, setValues] = useState(() => JSON.stringify(given?.values ?? {}, null, 1));
  const [trouble, setTrouble] = useState('');
  const take = (event: SubmitEvent) => {
    event.preventDefault();
    if (!NAME.test(name)) return setTrouble(o.needsName);
    if (taken.includes(name)) return setTrouble(o.taken);
    const found = objectOf(values);
    if (!found || Object.keys(found).length === 0) return setTrouble(o.wrongValues);
    const share = Number(percent);
    if (percent.trim() === '' || !(share >= 0 && share <= 100)) return setTrouble(t.editor.wrongNumber);
    onTake({ name, cluster: names(cluster), env: names(env), instance: names(instance), percent: share, values: found, reaches: given?.reaches ?? [] });
  };
  const row = (label: string, value: string, set: (text: string) => void, hint = '') => (
    <label>
      <span>
        {label} <small>{hint}</small>
      </span>
      <input class="text-input" value={value} autocomplete="off" spellcheck={false} onInput={(event) => set(event.currentTarget.value)} />
    </label>
  );
  return (
    <form class="config-editor" onSubmit={take} onKeyDown={(event) => event.key === 'Escape' && onCancel()} data-testid="config-override-form">
      <div class="config-columns">
        {row(o.name, name, (text) => setName(text.trim()))}
        {row(o.clusters, cluster, setCluster, o.anyHint)}
        {row(o.envs, env, setEnv, o.anyHint)}
        {row(o.instances, instance, setInstance, o.anyHint)}
        {row(o.share, percent, setPercent)}
      </div>
      <label>
        <span>{o.values}</span>
        <textarea class="text-input mono" rows={4} value={values} spellcheck={false} onInput={(event) => setValues(event.currentTarget.value)} />
      </label>
      <p class="config-trouble" role="alert">
        {trouble}
      </p>
      <div class="config-buttons">
        <button type="submit" class="button">
          {t.editor.take}
        </button>
        <button type="button" class="quiet" onClick={onCancel}>
          {t.editor.cancel}
        </button>
      </div>
    </form>
  );
}

function names(text: string): string[] {
  return text.split(',').map((each) => each.trim()).filter(Boolean);
}

function objectOf(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}
