import { useLocation } from 'preact-iso/router';
import { useEffect, useRef, useState } from 'preact/hooks';
import { getJson } from '../api/client';
import type { Services } from '../api.gen';
import { useMessages } from '../i18n';
import { findLogid } from '../logid';
import { pathTo } from '../paths';
import { Icon } from './icon';

/** A logid goes to its chain, a service's name to its page; anything else filters the services. */
export function SearchBox() {
  const t = useMessages();
  const { route } = useLocation();
  const input = useRef<HTMLInputElement>(null);
  const [names, setNames] = useState<string[]>([]);
  useSearchKeys(() => input.current?.select());

  // Without an answer the box works all the same: it filters.
  const loadNames = (): Promise<string[]> =>
    getJson<Services>('/api/services').then(
      ({ services }) => {
        const found = services.map(({ psm }) => psm);
        setNames(found);
        return found;
      },
      () => [],
    );
  const go = async (text: string) => {
    const logid = findLogid(text);
    const psm = text.trim();
    if (logid) route(pathTo('chain', { logid }));
    else if (psm && (names.includes(psm) || (await loadNames()).includes(psm))) route(pathTo('service-overview', { psm }));
    else if (psm) route(pathTo('services', {}, { q: psm }));
    else return;
    if (input.current) input.current.value = '';
    input.current?.blur();
  };
  return (
    <form
      role="search"
      class="search"
      onSubmit={(event) => {
        event.preventDefault();
        void go(input.current?.value ?? '');
      }}
    >
      <Icon name="search" />
      <input
        ref={input}
        type="search"
        placeholder={t.app.search}
        aria-label={t.app.search}
        title={t.app.searchHint}
        spellcheck={false}
        autocomplete="off"
        list="service-names"
        onFocus={() => void loadNames()}
        onPaste={(event) => {
          const text = event.clipboardData?.getData('text') ?? '';
          if (!findLogid(text)) return;
          event.preventDefault();
          void go(text);
        }}
        onKeyDown={(event) => event.key === 'Escape' && event.currentTarget.blur()}
      />
      <datalist id="service-names">
        {names.map((name) => (
          <option key={name} value={name} />
        ))}
      </datalist>
      <kbd aria-hidden="true">/</kbd>
    </form>
  );
}

/** `/`, Ctrl-K and ⌘K; the bare key only outside of fields. */
function useSearchKeys(focus: () => void): void {
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      const chord = (event.ctrlKey || event.metaKey) && event.key.toLowerCase() === 'k';
      const slash = event.key === '/' && !event.ctrlKey && !event.metaKey && !event.altKey && !isField(event.target);
      if (!chord && !slash) return;
      event.preventDefault();
      focus();
    };
    document.addEventListener('keydown', onKey);
    return () => document.removeEventListener('keydown', onKey);
  }, []);
}

function isField(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && target.matches('input, select, textarea, [contenteditable]');
}
