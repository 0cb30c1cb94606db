/** A name chosen earlier stays a choice when nothing has that name any more. */
export function withCurrent(names: string[], current: string): Array<readonly [string, string]> {
  const all = current && !names.includes(current) ? [...names, current] : names;
  return all.map((name) => [name, name] as const);
}

/** A labelled choice, marked while it is not the neutral one. */
export function FilterSelect(props: {
  label: string;
  value: string;
  /** The value that filters nothing. */
  neutral?: string;
  options: ReadonlyArray<readonly [value: string, text: string]>;
  onChange: (value: string) => void;
}) {
  const { label, value, neutral = '', options, onChange } = props;
  return (
    <label class={`field${value !== neutral ? ' field-set' : ''}`}>
      <span class="field-label">{label}</span>
      <select aria-label={label} value={value} onChange={(event) => onChange(event.currentTarget.value)}>
        {options.map(([option, text]) => (
          <option key={option} value={option}>
            {text}
          </option>
        ))}
      </select>
    </label>
  );
}
