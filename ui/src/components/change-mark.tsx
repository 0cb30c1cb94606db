import { useMessages } from '../i18n';
import { CHANGE_SHAPES } from './change-shapes';

/** The kind of a change: a shape first, as in the lane above charts, then the word. */
export function ChangeMark({ kind }: { kind: string }) {
  const t = useMessages().changes;
  return (
    <span class="change-kind">
      <svg class={`change-mark change-${kind}`} viewBox="0 0 12 12" aria-hidden="true">
        <path d={CHANGE_SHAPES[kind] ?? CHANGE_SHAPES.other} />
      </svg>
      {kindText(t.kinds, kind)}
    </span>
  );
}

/** A kind in the reader's words; one that only a newer platform knows, as it is. */
export function kindText(kinds: Record<string, string>, kind: string): string {
  return kinds[kind] ?? kind;
}
