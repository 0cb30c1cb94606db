import { useId, useState } from 'preact/hooks';
import type { ConfigKey } from '../../api.gen';
import { useTexts } from './texts';

type Form = ConfigKey['form'];

interface Props {
  /** Without one, a key is added. */
  item?: ConfigKey;
  form: Form;
  secret: boolean;
  published: boolean;
  value: unknown;
  onTake: (key: string, value: unknown, secret: boolean) => void;
  onRemove?: () => void;
  onCancel: () => void;
}

const KEY = /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,199}$/;
const MASK = '********';

/** One value: a control of the form that the code expects, JSON where it expects any or is not known. */
export function Editor({ item, form, secret, published, value, onTake, onRemove, onCancel }: Props) {
  const t = useTexts();
  const id = useId();
  const [key, setKey] = useState(item?.key ?? '');
  const [text, setText] = useState(() => textOf(value, form, secret && published));
  const [hidden, setHidden] = useState(secret);
  const [trouble, setTrouble] = useState('');
  const take = (event: SubmitEvent) => {
    event.preventDefault();
    if (!KEY.test(key)) return setTrouble(t.editor.needsKey);
    if (hidden && published && text === '') return onTake(key, value, hidden);
    const found = parsed(text, form);
    if (found === undefined) return setTrouble(form === 'whole' || form === 'number' ? t.editor.wrongNumber : t.editor.wrongJson);
    onTake(key, found, hidden);
  };
  const label = t.editor.value(key || '…');
  const common = { id, 'aria-label': label, value: text, onInput: (event: { currentTarget: { value: string } }) => setText(event.currentTarget.value), spellcheck: false };
  return (
    <form class="config-editor" onSubmit={take} onKeyDown={(event) => event.key === 'Escape' && onCancel()} data-testid="config-editor">
      {!item && <input class="text-input mono" aria-label={t.editor.newKey} placeholder={t.editor.newKey} value={key} onInput={(event) => setKey(event.currentTarget.value.trim())} autocomplete="off" ref={focus} />}
      <label for={id}>
        {item ? t.editor.whole : t.editor.json} <small>{item ? `${t.forms[form]} ${t.bounds(item.least, item.most)}` : ''}</small>
      </label>
      {form === 'flag' ? (
        <select {...common} class="text-input">
          <option value="true">true</option>
          <option value="false">false</option>
        </select>
      ) : form === 'choice' ? (
        <select {...common} class="text-input">
          {item?.choices.map((choice) => (
            <option key={String(choice)} value={JSON.stringify(choice)}>
              {String(choice)}
            </option>
          ))}
        </select>
      ) : form === 'whole' || form === 'number' ? (
        <input {...common} class="text-input mono" inputMode="decimal" autocomplete="off" />
      ) : hidden || form === 'text' ? (
        <textarea {...common} class="text-input mono" rows={hidden ? 1 : 2} placeholder={hidden && published ? t.editor.keepSecret : ''} />
      ) : (
        <textarea {...common} class="text-input mono" rows={item ? 4 : 2} />
      )}
      <label class="check">
        <input type="checkbox" checked={hidden} disabled={secret && published} onChange={(event) => setHidden(event.currentTarget.checked)} />
        {t.editor.secret}
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
        {onRemove && published && (
          <button type="button" class="quiet" onClick={onRemove}>
            {t.editor.remove}
          </button>
        )}
      </div>
    </form>
  );
}

function focus(element: HTMLElement | null) {
  element?.focus();
}

function textOf(value: unknown, form: Form, masked: boolean): string {
  if (masked || value === MASK) return '';
  if (value === undefined || value === null) return form === 'flag' ? 'false' : '';
  if (form === 'text' && typeof value === 'string') return value;
  return JSON.stringify(value, null, form === 'list' || form === 'map' || form === 'any' ? 1 : undefined);
}

/** The value of a text; undefined for one that stands for none. */
function parsed(text: string, form: Form): unknown {
  if (form === 'text') return text;
  if (form === 'whole' || form === 'number') {
    const number = Number(text);
    return text.trim() === '' || !Number.isFinite(number) ? undefined : number;
  }
  try {
    const value: unknown = JSON.parse(text);
    return value ?? undefined;
  } catch {
    return undefined;
  }
}
