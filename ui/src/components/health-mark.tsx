import type { Health } from './verdict-card';

/** Health is a shape first: a circle, a triangle, a diamond, a dashed ring. */
export function HealthMark({ health }: { health: Health }) {
  return (
    <svg class={`health-mark health-${health}`} viewBox="0 0 16 16" aria-hidden="true">
      {health === 'unknown' ? (
        <circle cx="8" cy="8" r="5.500" class="health-ring" />
      ) : (
        <>
          <path d={SHAPES[health]} />
          {health !== 'well' && <path class="health-sign" d={SIGNS[health]} />}
        </>
      )}
    </svg>
  );
}

const SHAPES = {
  well: 'M8 2.500a5.500 5.500 0 1 1 0 11a5.500 5.500 0 0 1 0-11z',
  mild: 'M8 1.500L15.200 14H.8z',
  bad: 'M8 .8L15.200 8L8 15.200L.8 8z',
} as const;

const SIGNS = { mild: 'M8 6v3.600M8 11.500v.6', bad: 'M5.800 5.800l4.400 4.400M10.200 5.800l-4.400 4.400' } as const;
