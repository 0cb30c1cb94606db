/** A value as JSON; a text without its quotes where nothing else can be meant. */
export function shown(value: unknown): string {
  if (value === undefined || value === null) return '–';
  if (typeof value === 'string') return value === '' ? '""' : value;
  return JSON.stringify(value);
}

export function Value({ value, kind }: { value: unknown; kind?: 'old' | 'new' }) {
  const text = shown(value);
  if (kind === 'old') return <del class="config-value">{text}</del>;
  if (kind === 'new') return <ins class="config-value">{text}</ins>;
  return <code class="config-value">{text}</code>;
}
