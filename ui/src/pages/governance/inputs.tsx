import { useId } from 'preact/hooks';
import type { ComponentChildren } from 'preact';
import type { KindField, ScopeField } from '../../api.gen';
import { Icon } from '../../components/icon';
import type { Placed } from '../../rules/problems';
import { useTexts } from './texts';
import { localTime, timeOf, valueOf, valueText } from './values';

/** One field of the scope: a name, several, or a prefix. */
export function ScopeInput(props: { field: ScopeField; value: string; problems: Placed[]; suggestions: string[]; onChange: (text: string) => void }) {
  const { field, value, problems, suggestions, onChange } = props;
  const t = useTexts().editor;
  const id = useId();
  return (
    <Field id={id} label={t.scopes[field.name] ?? field.name} help={t.scopeHint[field.name] ?? field.help} problems={problems}>
      <input id={id} type="text" spellcheck={false} autocomplete="off" list={suggestions.length ? `${id}-list` : undefined} aria-invalid={isBad(problems)} aria-describedby={`${id}-help`} value={value} onInput={(event) => onChange(event.currentTarget.value)} />
      {suggestions.length > 0 && (
        <datalist id={`${id}-list`}>
          {suggestions.map((name) => (
            <option key={name} value={name} />
          ))}
        </datalist>
      )}
    </Field>
  );
}

interface ValueProps {
  field: KindField;
  value: unknown;
  /** What the version in force has there, if it has the rule. */
  before: unknown;
  compare: boolean;
  problems: Placed[];
  onChange: (value: unknown) => void;
}

/** One field of the body, in the form that the rule's type gives it. */
export function ValueInput({ field, value, before, compare, problems, onChange }: ValueProps) {
  const t = useTexts().editor;
  const id = useId();
  const shared = { id, 'aria-invalid': isBad(problems), 'aria-describedby': `${id}-help` };
  const byDefault = field.default === null || field.default === '' ? t.noDefault : t.byDefault(flagText(field.default, t) ?? valueText(field.default));
  const changed = compare && valueText(before) !== valueText(value);
  const was = changed ? t.was(before === undefined ? byDefault : (flagText(before, t) ?? valueText(before))) : '';
  return (
    <Field id={id} label={field.name} note={was} help={`${field.help} ${field.form === 'flag' || field.form === 'choice' ? '' : capital(field.expects)}`} unit={field.unit} problems={problems} wide={field.form === 'weights' || field.form === 'names'}>
      {field.form === 'flag' ? (
        <select {...shared} value={value === undefined ? '' : String(value)} onChange={(event) => onChange({ true: true, false: false }[event.currentTarget.value])}>
          <option value="">{byDefault}</option>
          <option value="true">{t.on}</option>
          <option value="false">{t.off}</option>
        </select>
      ) : field.form === 'choice' ? (
        <select {...shared} value={value === undefined ? '' : String(value)} onChange={(event) => onChange(event.currentTarget.value || undefined)}>
          <option value="">{byDefault}</option>
          {field.choices.map((choice) => (
            <option key={choice} value={choice}>
              {choice}
            </option>
          ))}
          {typeof value === 'string' && !field.choices.includes(value) && <option value={value}>{value}</option>}
        </select>
      ) : field.form === 'time' ? (
        <input {...shared} type="datetime-local" value={localTime(value)} onChange={(event) => onChange(timeOf(event.currentTarget.value))} />
      ) : (
        <input
          {...shared}
          type="text"
          inputMode={field.form === 'number' || field.form === 'whole' ? 'decimal' : 'text'}
          spellcheck={false}
          autocomplete="off"
          placeholder={byDefault}
          value={valueText(value)}
          onInput={(event) => onChange(valueOf(field.form, event.currentTarget.value))}
        />
      )}
    </Field>
  );
}

interface FieldProps {
  id: string;
  label: string;
  note?: string;
  help: string;
  unit?: string;
  problems: Placed[];
  wide?: boolean;
  children: ComponentChildren;
}

function Field({ id, label, note, help, unit, problems, wide, children }: FieldProps) {
  const bad = isBad(problems);
  return (
    <div class={`gov-field${bad ? ' gov-field-bad' : problems.length ? ' gov-field-mild' : ''}${wide ? ' gov-field-wide' : ''}`} data-field={label}>
      <label for={id}>
        <span>{label}</span> <span class="dim">{note}</span>
      </label>
      <span class="gov-in">
        {children}
        {unit && <span class="dim">{unit}</span>}
      </span>
      <p id={`${id}-help`} class="gov-help">
        {problems.map(({ message, severe }) => (
          <span key={message} class={severe ? 'bad-text' : 'mild-text'} data-testid="field-problem">
            <Icon name="warning" /> {message}
          </span>
        ))}
        {!bad && help}
      </p>
    </div>
  );
}

function isBad(problems: Placed[]): boolean {
  return problems.some(({ severe }) => severe);
}

function flagText(value: unknown, { on, off }: { on: string; off: string }): string | undefined {
  return typeof value === 'boolean' ? (value ? on : off) : undefined;
}

function capital(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;
}
