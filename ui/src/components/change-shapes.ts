/** The shape of each kind of change, on a 12 × 12 grid: the same above charts as in lists. */
const CIRCLE = 'M6 1.500a4.500 4.500 0 1 1 0 9a4.500 4.500 0 0 1 0-9z';
export const CHANGE_SHAPES: Record<string, string> = {
  release: 'M6 1.200L11 10.500H1z',
  config: 'M6 .8L11.200 6L6 11.200L.8 6z',
  rule: 'M1.800 1.800h8.400v8.400H1.800z',
  rollout: 'M1.800 1.800h8.400v8.400H1.800z',
  switch: CIRCLE,
  degrade: CIRCLE,
  drain: 'M1.500 2h9L6 11z',
  freeze: 'M6 1v10M1.700 3.500l8.600 5M10.300 3.500l-8.600 5',
  people: 'M6 1.200a2.300 2.300 0 1 1 0 4.600a2.300 2.300 0 0 1 0-4.600zM1.500 11c0-3 2-4.200 4.500-4.200s4.500 1.200 4.500 4.200z',
  owner: 'M6 1.200a2.300 2.300 0 1 1 0 4.600a2.300 2.300 0 0 1 0-4.600zM1.500 11c0-3 2-4.200 4.500-4.200s4.500 1.200 4.500 4.200z',
  other: 'M4 6h4',
};
