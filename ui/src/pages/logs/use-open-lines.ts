import { useEffect, useState } from 'preact/hooks';
import type { SearchState } from './search-url';

/** The lines that are open; the last one opened is in the URL. */
export function useOpenLines({ search, patch }: SearchState): { open: ReadonlySet<string>; toggle: (id: string) => void } {
  const [open, setOpen] = useState<ReadonlySet<string>>(new Set(search.open ? [search.open] : []));
  useEffect(() => {
    if (search.open && !open.has(search.open)) setOpen(new Set([...open, search.open]));
  }, [search.open]);
  const toggle = (id: string) => {
    const next = new Set(open);
    if (!next.delete(id)) next.add(id);
    setOpen(next);
    patch({ open: next.has(id) ? id : [...next].at(-1) ?? '' });
  };
  return { open, toggle };
}
