import { useMessages } from '../i18n';
import { createStore, useStore } from '../store';

/** The present, in Unix milliseconds: one timer for the whole page. */
const now = createStore(Date.now());
setInterval(() => now.set(Date.now()), 1000);

/** How long ago a moment (Unix milliseconds) was, in the reader's words; counts on. */
export function useAgo(at: number): string {
  const t = useMessages();
  return t.ago(Math.max(0, Math.round((useStore(now) - at) / 1000)));
}

export function Updated({ at }: { at: number }) {
  const t = useMessages();
  return <span class="updated">{t.updated(useAgo(at))}</span>;
}
