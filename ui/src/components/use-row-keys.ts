import { useState } from 'preact/hooks';

export interface RowKeys {
  /** Goes on the element that holds the rows; each row has its key in `data-key`. */
  onKeyDown: (event: KeyboardEvent) => void;
  onFocusIn: (event: FocusEvent) => void;
  /** One row is in the tab order; the arrow keys reach the others. */
  tabIndex: (key: string) => 0 | -1;
}

interface Actions {
  select: (key: string) => void;
  /** Left and right: fold or unfold, where rows can. */
  fold?: (key: string, open: boolean) => void;
}

const STEPS: Record<string, number> = { ArrowDown: 1, ArrowUp: -1, PageDown: 10, PageUp: -10, Home: -Infinity, End: Infinity };

/** Arrow keys over rows, as in a tree or grid; Enter and Space select. */
export function useRowKeys(keys: string[], selected: string, { select, fold }: Actions): RowKeys {
  const [focused, setFocused] = useState('');
  const current = [focused, selected].find((key) => keys.includes(key)) ?? keys[0];
  return {
    tabIndex: (key) => (key === current ? 0 : -1),
    onFocusIn: (event) => {
      const key = rowKey(event.target);
      if (key !== undefined) setFocused(key);
    },
    onKeyDown: (event) => {
      // Only from the row itself: a button inside it keeps its own keys.
      if (!(event.target instanceof Element) || !event.target.hasAttribute('data-key')) return;
      const key = rowKey(event.target);
      if (key === undefined || event.ctrlKey || event.metaKey || event.altKey) return;
      const step = STEPS[event.key];
      if (step !== undefined) {
        const to = Math.min(Math.max(keys.indexOf(key) + step, 0), keys.length - 1);
        focusRow(event.currentTarget, keys[to]);
      } else if (event.key === 'Enter' || event.key === ' ') select(key);
      else if (fold && event.key === 'ArrowRight') fold(key, true);
      else if (fold && event.key === 'ArrowLeft') fold(key, false);
      else return;
      event.preventDefault();
    },
  };
}

function rowKey(target: EventTarget | null): string | undefined {
  return target instanceof Element ? target.closest('[data-key]')?.getAttribute('data-key') ?? undefined : undefined;
}

function focusRow(holder: EventTarget | null, key: string | undefined): void {
  if (!(holder instanceof Element) || key === undefined) return;
  const row = holder.querySelector(`[data-key="${CSS.escape(key)}"]`);
  if (row instanceof HTMLElement || row instanceof SVGElement) row.focus();
}
