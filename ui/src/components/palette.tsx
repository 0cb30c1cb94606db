import { useLocation } from 'preact-iso/router';
import { useEffect, useRef, useState } from 'preact/hooks';
import { getJson } from '../api/client';
import type { MethodName, MethodNames, Services } from '../api.gen';
import { useMessages } from '../i18n';
import { findLogid } from '../logid';
import { pathTo } from '../paths';
import { language } from '../preferences';
import { useStore } from '../store';
import { isField } from './fields';
import { Icon } from './icon';
import { choicesFor } from './palette-choices';
import { useDismiss } from './use-dismiss';

/** Goes anywhere: to a service or one of its pages, to a page, to a chain; other text filters the services. */
export function Palette() {
  const t = useMessages();
  const spoken = useStore(language);
  const { path, route } = useLocation();
  const holder = useRef<HTMLFormElement>(null);
  const input = useRef<HTMLInputElement>(null);
  const [names, setNames] = useState<string[]>([]);
  const [text, setText] = useState('');
  const methods = useMethods(text.trim());
  const [open, setOpen] = useState(false);
  const [at, setAt] = useState(-1);
  useKeys(() => input.current?.select());
  const close = () => {
    setOpen(false);
    setAt(-1);
  };
  useDismiss(holder, open, close);

  // Without an answer the palette works all the same: it knows the pages.
  const loadNames = (): Promise<string[]> =>
    getJson<Services>('/api/services').then(
      ({ services }) => {
        const found = services.map(({ psm }) => psm);
        setNames(found);
        return found;
      },
      () => [],
    );
  const choices = open ? choicesFor({ text, names, methods, path, spoken }) : [];
  const go = (href: string) => {
    route(href);
    setText('');
    close();
    input.current?.blur();
  };
  const enter = async (typed: string) => {
    const logid = findLogid(typed);
    const psm = typed.trim();
    if (logid) go(pathTo('chain', { logid }));
    else if (psm && (names.includes(psm) || (await loadNames()).includes(psm))) go(pathTo('service-overview', { psm }));
    else if (psm) go(pathTo('services', {}, { q: psm }));
  };
  const onKeyDown = (event: KeyboardEvent) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step !== undefined) {
      event.preventDefault();
      setOpen(true);
      if (choices.length) setAt((old) => (old + step + choices.length + (old < 0 && step < 0 ? 1 : 0)) % choices.length);
    } else if (event.key === 'Escape' && !open) input.current?.blur();
  };
  return (
    <form
      ref={holder}
      role="search"
      class="palette"
      onSubmit={(event) => {
        event.preventDefault();
        const chosen = choices[at];
        if (chosen) go(chosen.href);
        else void enter(input.current?.value ?? '');
      }}
    >
      <Icon name="search" />
      <input
        ref={input}
        type="text"
        role="combobox"
        aria-expanded={choices.length > 0}
        aria-controls="palette-choices"
        aria-activedescendant={choices[at] ? `palette-${at}` : undefined}
        aria-autocomplete="list"
        placeholder={t.palette.placeholder}
        aria-label={t.palette.placeholder}
        title={t.palette.hint}
        spellcheck={false}
        autocomplete="off"
        value={text}
        onFocus={() => {
          setOpen(true);
          void loadNames();
        }}
        onInput={(event) => {
          setText(event.currentTarget.value);
          setOpen(true);
          setAt(-1);
        }}
        onPaste={(event) => {
          const pasted = event.clipboardData?.getData('text') ?? '';
          if (!findLogid(pasted)) return;
          event.preventDefault();
          void enter(pasted);
        }}
        onKeyDown={onKeyDown}
        onBlur={(event) => !holder.current?.contains(event.relatedTarget as Node | null) && close()}
      />
      <kbd aria-hidden="true">{/Mac/.test(navigator.platform) ? '⌘K' : 'Ctrl K'}</kbd>
      <ul id="palette-choices" class="palette-choices" role="listbox" aria-label={t.palette.choices} hidden={choices.length === 0}>
        {choices.map((choice, index) => (
          <li
            key={choice.href}
            id={`palette-${index}`}
            role="option"
            aria-selected={index === at}
            // The field keeps the focus: a press must not end it before the click.
            onMouseDown={(event) => event.preventDefault()}
            onClick={() => go(choice.href)}
          >
            <Icon name={choice.icon} />
            <span class="palette-name">{choice.name}</span>
            <small>{t.palette.kinds[choice.kind]}</small>
          </li>
        ))}
      </ul>
    </form>
  );
}

/** Milliseconds of rest before the platform is asked for methods, and the shortest text that it takes. */
const ASK_AFTER = 150;
const SHORTEST = 2;

/** Methods whose names hold the text; those of an older text until the platform has answered. */
function useMethods(text: string): MethodName[] {
  const [methods, setMethods] = useState<MethodName[]>([]);
  useEffect(() => {
    if (text.length < SHORTEST || findLogid(text)) return undefined;
    const aborter = new AbortController();
    const timer = setTimeout(() => {
      getJson<MethodNames>(`/api/fleet/methods?limit=6&q=${encodeURIComponent(text.slice(0, 200))}`, aborter.signal).then(
        (found) => setMethods(found.methods),
        () => undefined, // Services and pages are found without them.
      );
    }, ASK_AFTER);
    return () => {
      clearTimeout(timer);
      aborter.abort();
    };
  }, [text]);
  return methods;
}

/** `/`, Ctrl-K and ⌘K; the bare key only outside of fields, and only where the page has not taken it. */
function useKeys(focus: () => void): void {
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
