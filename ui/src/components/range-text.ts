import { useMessages } from '../i18n';
import { useVisit } from '../visit';
import { spanText } from './range-picker';

/** The range of the visit: as a heading has it (`1 h`), and in a sentence (`in the last 1 h`). */
export function useRangeText(): { short: string; sentence: string } {
  const t = useMessages().visit;
  const { fixed, window } = useVisit();
  if (fixed) return { short: spanText(fixed), sentence: t.inSpan(spanText(fixed)) };
  return { short: t.windows[window], sentence: t.inRange(t.windows[window]) };
}
