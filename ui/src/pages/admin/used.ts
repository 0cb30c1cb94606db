import { useAgo } from '../../components/ago';
import { useTexts } from './texts';

const HOUR_S = 3600;

/** When something was used last, as exactly as it is known: to the hour. */
export function useUsed(hour: number): string {
  const t = useTexts();
  const ago = useAgo(hour * 1000);
  if (!hour) return t.never;
  return Date.now() / 1000 - hour < HOUR_S ? t.thisHour : ago;
}
