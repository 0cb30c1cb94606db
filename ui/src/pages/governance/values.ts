/** Values of rules in the fields of a form: as texts, which the platform reads as its commands do (`2s`, `10 %`). */

export function valueText(value: unknown): string {
  if (value === undefined || value === null) return '';
  if (Array.isArray(value)) return value.join(', ');
  if (typeof value === 'object') {
    return Object.entries(value)
      .map(([name, weight]) => `${name}: ${String(weight)}`)
      .join(', ');
  }
  return String(value);
}

/** What a text means: a number where it is one, else the text as it stands; undefined = the default. */
export function valueOf(form: string, text: string): unknown {
  if (text === '') return undefined;
  const isNumber = (form === 'number' || form === 'whole') && /^-?\d+(\.\d+)?$/.test(text) && String(Number(text)) === text;
  return isNumber ? Number(text) : text;
}

/** An ISO time as the field for times wants it, in the reader's time zone. */
export function localTime(value: unknown): string {
  const at = typeof value === 'string' ? new Date(value) : undefined;
  if (!at || Number.isNaN(at.getTime())) return '';
  return new Date(at.getTime() - at.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
}

/** The moment of a field for times, as ISO time in UTC. */
export function timeOf(text: string): string | undefined {
  const at = new Date(text);
  return Number.isNaN(at.getTime()) ? undefined : at.toISOString().replace('.000', '');
}
