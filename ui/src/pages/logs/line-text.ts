import { clockTimeMs, dateTimeMs } from '../../format';
import type { Line } from '../../api.gen';

/** What a line says in one line: its message, or else its pairs, or the last line of its stack. */
export function headline(line: Line): string {
  const message = line.message.trimStart();
  const end = message.indexOf('\n');
  if (message) return end < 0 ? message : `${message.slice(0, end)} …`;
  return pairsText(line) || errorOf(line.stack);
}

export function pairsText({ fields }: Line): string {
  return Object.entries(fields ?? {})
    .map(([key, value]) => `${key}=${value}`)
    .join(' ');
}

/** The last line of a stack names the error. */
export function errorOf(stack: string): string {
  return stack.trimEnd().split('\n').at(-1)?.trim() ?? '';
}

/** The line as it stands in its file. */
export function rawText(line: Line): string {
  const head = `${line.level} ${dateTimeMs(line.ts).replace('.', ',')} ${line.file}:${line.line} ${line.host} ${line.psm} ${line.logid || '0'} -`;
  const pairs = pairsText(line);
  const text = `${head} process=${line.process} thread=${line.thread} data=${line.message}${pairs ? ` ${pairs}` : ''}`;
  return line.stack ? `${text}\n${line.stack.trimEnd()}` : text;
}

export function whenText(ts: number, dated: boolean): string {
  return dated ? dateTimeMs(ts).slice(5) : clockTimeMs(ts);
}

export function sourceText(line: Line): string {
  return line.file ? `${line.file.split('/').at(-1)}:${line.line}` : '';
}

/** What an app or a browser says of itself. */
export function clientFacts({ fields }: Line): { device: string; user: string; app: string } {
  const { device = '', user = '', app = '', version = '' } = fields ?? {};
  return { device, user, app: version ? `${app} ${version}` : app };
}
