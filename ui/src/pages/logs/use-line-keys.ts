import { useLayoutEffect, useRef, useState } from 'preact/hooks';
import type { Line } from '../../api.gen';
import type { Window } from './use-window';

/** j and k move between lines, Enter opens and closes one, Escape closes it. Returns the line in question. */
export function useLineKeys(lines: Line[], open: ReadonlySet<string>, toggle: (id: string) => void, view: Pick<Window, 'reveal' | 'firstSeen'>): string {
  const [active, setActive] = useState('');
  const now = useRef({ lines, open, active, view });
  now.current = { lines, open, active, view };

  useLayoutEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      if (event.ctrlKey || event.metaKey || event.altKey || isBusy(event.target)) return;
      const { lines, open, active, view } = now.current;
      const index = lines.findIndex(({ id }) => id === active);
      if (event.key === 'j' || event.key === 'k') {
        const step = event.key === 'j' ? 1 : -1;
        const next = index < 0 ? view.firstSeen() : Math.min(Math.max(index + step, 0), lines.length - 1);
        const line = lines[next];
        if (!line) return;
        setActive(line.id);
        view.reveal(next);
      } else if (event.key === 'Enter' && index >= 0 && isFree(event.target)) toggle(active);
      else if (event.key === 'Escape' && open.has(active)) toggle(active);
      else return;
      event.preventDefault();
    };
    const onPress = (event: MouseEvent) => {
      const row = event.target instanceof Element && event.target.closest('.lines [data-id]');
      if (row) setActive(row.getAttribute('data-id') ?? '');
    };
    document.addEventListener('keydown', onKey);
    document.addEventListener('click', onPress);
    return () => {
      document.removeEventListener('keydown', onKey);
      document.removeEventListener('click', onPress);
    };
  }, []);
  return active;
}

/** A field or an open dialog has the keys. */
function isBusy(target: EventTarget | null): boolean {
  return document.querySelector('dialog[open]') !== null || (target instanceof HTMLElement && target.matches('input, select, textarea'));
}

/** Enter on a button or link is for that one. */
function isFree(target: EventTarget | null): boolean {
  return !(target instanceof Element) || !target.closest('button, a, summary');
}
