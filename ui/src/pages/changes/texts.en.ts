/** Texts of the stream of changes. */
export const en = {
  title: 'Changes',
  stream: 'Everything that was changed',
  verdict: (n: string, people: number, span: string) => `${n} in the last ${span}, by ${people} ${people === 1 ? 'person' : 'people'}`,
  changes: (n: number) => `${n.toLocaleString('en-US')} ${n === 1 ? 'change' : 'changes'}`,
  none: (span: string) => `Nothing was changed in the last ${span}`,
  last: (who: string, what: string, ago: string) => `The last one ${ago}: ${who}, ${what}`,
  lane: 'When what was changed: each mark is one change of the list below',
  laneNote: 'Marks stand for the changes that are listed; older ones are not drawn.',
};

export type Texts = typeof en;
