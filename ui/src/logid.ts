/** The first 32 hex digits that stand alone in the text, in lower case: also finds one in a log line. */
export function findLogid(text: string): string | null {
  return /(?<![0-9a-z])[0-9a-f]{32}(?![0-9a-z])/i.exec(text)?.[0].toLowerCase() ?? null;
}
