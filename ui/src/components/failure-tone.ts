const WORRYING_FAILURE_RATE = 0.01;

/** The class of a text that tells a share of failures. */
export function failureTone(rate: number): string {
  if (rate >= WORRYING_FAILURE_RATE) return 'bad-text';
  return rate > 0 ? 'mild-text' : '';
}
