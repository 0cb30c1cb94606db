/** The field that narrows a list while the reader types. */
export function SearchField({ label, value, testId, onInput }: { label: string; value: string; testId?: string; onInput: (text: string) => void }) {
  return (
    <label class="field field-text">
      <span class="field-label">{label}</span>
      <input
        type="search"
        value={value}
        placeholder={label}
        spellcheck={false}
        data-testid={testId}
        onInput={(event) => onInput(event.currentTarget.value.trim())}
      />
    </label>
  );
}
