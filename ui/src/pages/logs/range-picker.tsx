import { RangePicker } from '../../components/range-picker';
import { QUICK_RANGES, type QuickRange, type Range, type Span } from './search-url';
import { useTexts } from './texts';

/** The range of a search: logs are kept for longer than one looks at charts. */
export function SearchRange({ range, span, onPick }: { range: Range; span: Span; onPick: (range: Range) => void }) {
  const t = useTexts().range;
  return (
    <RangePicker<QuickRange>
      quick={QUICK_RANGES.map((quick) => [quick, t.quick[quick]] as const)}
      chosen={'quick' in range ? range.quick : range}
      span={span}
      onPick={(next) => onPick(typeof next === 'string' ? { quick: next } : next)}
    />
  );
}
