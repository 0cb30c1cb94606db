/** Numbers and times as text. The same in both languages, so that figures can be compared and pasted. */

const grouped = new Intl.NumberFormat('en-US', { maximumFractionDigits: 0 });

/** About three significant digits, without exponents: 0.048, 1.23, 45.6, 2,228. */
export function compact(value: number): string {
  const size = Math.abs(value);
  if (value === 0) return '0';
  if (size >= 99.95) return grouped.format(value);
  if (size >= 9.995) return value.toFixed(1);
  if (size >= 0.9995) return value.toFixed(2);
  return value.toFixed(3);
}

export function count(value: number): string {
  return grouped.format(value);
}

/** A share as a percentage; a small one never reads as none. */
export function percent(share: number): string {
  if (share === 0) return '0%';
  const value = share * 100;
  if (value < 0.01) return '<0.01%';
  return `${value >= 10 ? value.toFixed(1) : value.toFixed(2)}%`;
}

/** Milliseconds with the unit that reads best: 48 µs, 1.23 ms, 563 ms, 2.23 s. */
export function duration(ms: number): string {
  const size = Math.abs(ms);
  if (size >= 60_000) return `${compact(ms / 60_000)} min`;
  if (size >= 1000) return `${compact(ms / 1000)} s`;
  if (size >= 1 || size === 0) return `${compact(ms)} ms`;
  return `${grouped.format(ms * 1000)} µs`;
}

/** A length of whole seconds: 20 s, 5 min, 1 h 10 min. */
export function period(seconds: number): string {
  const whole = Math.round(seconds);
  const parts = [
    [Math.floor(whole / 3600), 'h'],
    [Math.floor(whole / 60) % 60, 'min'],
    [whole % 60, 's'],
  ] as const;
  const texts = parts.filter(([n]) => n > 0).map(([n, unit]) => `${n} ${unit}`);
  return texts.join(' ') || '0 s';
}

/** Milliseconds from the chain's start, with a sign. */
export function offset(ms: number): string {
  return ms < 0 ? `−${duration(-ms)}` : `+${duration(ms)}`;
}

function pad(value: number, width = 2): string {
  return String(value).padStart(width, '0');
}

/** 2017-04-17 21:43:30 in the reader's time zone. */
export function dateTime(seconds: number): string {
  const t = new Date(seconds * 1000);
  return `${t.getFullYear()}-${pad(t.getMonth() + 1)}-${pad(t.getDate())} ${clockTime(seconds)}`;
}

export function clockTime(seconds: number): string {
  const t = new Date(seconds * 1000);
  return `${pad(t.getHours())}:${pad(t.getMinutes())}:${pad(t.getSeconds())}`;
}

/** Time of day with milliseconds. */
export function clockTimeMs(seconds: number): string {
  return `${clockTime(seconds)}.${pad(Math.floor((seconds * 1000) % 1000), 3)}`;
}

export function dateTimeMs(seconds: number): string {
  return `${dateTime(seconds)}.${pad(Math.floor((seconds * 1000) % 1000), 3)}`;
}

/** 2017-04-17 13:43:30.000 UTC. */
export function utc(seconds: number): string {
  return `${new Date(seconds * 1000).toISOString().replace('T', ' ').replace('Z', '')} UTC`;
}

/** The reader's offset from UTC at that time, e.g. UTC+8. */
export function zoneOffset(seconds: number): string {
  const minutes = -new Date(seconds * 1000).getTimezoneOffset();
  const size = Math.abs(minutes);
  const rest = size % 60 ? `:${pad(size % 60)}` : '';
  return `UTC${minutes < 0 ? '−' : '+'}${Math.floor(size / 60)}${rest}`;
}
