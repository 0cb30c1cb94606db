export interface Line {
  sign: '+' | '-' | ' ';
  text: string;
}

/** Lines beyond which texts are compared as wholes only. */
const MOST = 2000;

/** What changes from one text to another, line by line: the longest common subsequence stays. */
export function diffLines(before: string, after: string): Line[] {
  const old = before.split('\n');
  const now = after.split('\n');
  let start = 0;
  while (start < old.length && start < now.length && old[start] === now[start]) start++;
  let end = 0;
  while (end < old.length - start && end < now.length - start && old.at(-1 - end) === now.at(-1 - end)) end++;
  const a = old.slice(start, old.length - end);
  const b = now.slice(start, now.length - end);
  const same = (text: string): Line => ({ sign: ' ', text });
  return [...old.slice(0, start).map(same), ...middle(a, b), ...old.slice(old.length - end).map(same)];
}

/** Only the lines that change, with `around` lines about them; a null stands for what is left out. */
export function narrowed(lines: Line[], around = 2): Array<Line | null> {
  const near = (at: number) => lines.slice(Math.max(0, at - around), at + around + 1).some(({ sign }) => sign !== ' ');
  return lines.map((line, at) => (near(at) ? line : null)).filter((line, at, all) => line !== null || at === 0 || all[at - 1] !== null);
}

function middle(a: string[], b: string[]): Line[] {
  const all: Line[] = [...a.map((text): Line => ({ sign: '-', text })), ...b.map((text): Line => ({ sign: '+', text }))];
  if (a.length === 0 || b.length === 0 || a.length * b.length > MOST * MOST) return all;
  const width = b.length + 1;
  const common = new Uint16Array((a.length + 1) * width);
  for (let i = a.length - 1; i >= 0; i--)
    for (let j = b.length - 1; j >= 0; j--)
      common[i * width + j] = a[i] === b[j] ? (common[(i + 1) * width + j + 1] ?? 0) + 1 : Math.max(common[(i + 1) * width + j] ?? 0, common[i * width + j + 1] ?? 0);
  const found: Line[] = [];
  let i = 0;
  let j = 0;
  while (i < a.length || j < b.length) {
    if (i < a.length && j < b.length && a[i] === b[j]) found.push({ sign: ' ', text: a[i++] ?? '' }), j++;
    else if (j >= b.length || (i < a.length && (common[(i + 1) * width + j] ?? 0) >= (common[i * width + j + 1] ?? 0))) found.push({ sign: '-', text: a[i++] ?? '' });
    else found.push({ sign: '+', text: b[j++] ?? '' });
  }
  return found;
}
