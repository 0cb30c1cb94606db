/**
 * The first logid of Pie's or Kitex's form in the text, also inside a log line: 32 to 64 hex digits that stand alone.
 * Digits of 32 are Pie's own, which are written in lower case.
 */
export function findLogid(text: string): string | null {
  const found = /(?<![0-9a-z])[0-9a-f]{32,64}(?![0-9a-z])/i.exec(text)?.[0];
  return (found?.length === 32 ? found.toLowerCase() : found) ?? null;
}

/** Whether a text can be the name of a chain: other systems have names of other forms. */
export function isLogid(text: string): boolean {
  return /^[!-~]{1,64}$/.test(text);
}
