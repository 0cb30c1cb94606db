import { useLocation } from 'preact-iso/router';
import { useEffect, useRef } from 'preact/hooks';
import { useMessages } from '../i18n';
import { findLogid } from '../logid';
import { Icon } from './icon';

/** A logid goes to its chain, anything else filters the services. */
export function SearchBox() {
  const t = useMessages();
  const { route } = useLocation();
  const input = useRef<HTMLInputElement>(null);
  useSearchKeys(() => input.current?.select());

  const go = (text: string) => {
    const logid = findLogid(text);
    const psm = text.trim();
    if (logid) route(`/chain/${logid}`);
    else if (psm) route(`/services?q=${encodeURIComponent(psm)}`);
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
        go(input.current?.value ?? '');
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
        onPaste={(event) => {
          const text = event.clipboardData?.getData('text') ?? '';
          if (!findLogid(text)) return;
          event.preventDefault();
          go(text);
        }}
        onKeyDown={(event) => event.key === 'Escape' && event.currentTarget.blur()}
      />
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
