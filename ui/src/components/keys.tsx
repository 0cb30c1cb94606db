import { useLocation } from 'preact-iso/router';
import { useEffect, useRef, useState } from 'preact/hooks';
import { useMessages } from '../i18n';
import { GROUPS } from '../page';
import { homeOf, manifest, navigation } from '../paths';
import { language } from '../preferences';
import { useStore } from '../store';
import { isField } from './fields';
import { Icon } from './icon';

/** So long after `g` the next key says where to go. */
const SEQUENCE_MS = 1500;

/** The keys that work on every page, and the button and the key `?` that list them. */
export function Keys() {
  const t = useMessages().keys;
  const [shown, setShown] = useState(false);
  useFrameKeys(() => setShown(true));
  return (
    <>
      <button type="button" class="tool keys-button" aria-label={t.title} aria-keyshortcuts="?" title={`${t.title} (?)`} onClick={() => setShown(true)}>
        <Icon name="question" />
      </button>
      {shown && <KeyList onClose={() => setShown(false)} />}
    </>
  );
}

function pagesWithKeys() {
  return GROUPS.flatMap(navigation).flatMap((name) => {
    const key = manifest(name).nav?.key;
    return key === undefined ? [] : [[key, name] as const];
  });
}

function KeyList({ onClose }: { onClose: () => void }) {
  const t = useMessages().keys;
  const spoken = useStore(language);
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => dialog.current?.showModal(), []);
  const rows: Array<[keys: string[], what: string]> = [
    [['/', 'Ctrl K'], t.search],
    [['j', 'k'], t.rows],
    [['Enter'], t.open],
    [['['], t.fold],
    [['?'], t.list],
    [['Esc'], t.close],
  ];
  return (
    <dialog ref={dialog} class="asking key-list" aria-labelledby="keys-title" onClose={onClose} onClick={(event) => event.target === event.currentTarget && dialog.current?.close()}>
      <h2 id="keys-title">{t.title}</h2>
      <dl>
        {rows.map(([keys, what]) => (
          <Row key={what} keys={keys} what={what} />
        ))}
      </dl>
      <h3>{t.go}</h3>
      <dl>
        {pagesWithKeys().map(([key, name]) => (
          <Row key={name} keys={['g', key]} what={manifest(name).title[spoken]} then />
        ))}
      </dl>
      <footer>
        <button type="button" class="quiet" onClick={() => dialog.current?.close()}>
          {t.done}
        </button>
      </footer>
    </dialog>
  );
}

function Row({ keys, what, then = false }: { keys: string[]; what: string; then?: boolean }) {
  return (
    <div>
      <dt>
        {keys.map((key, at) => (
          <span key={key}>
            {at > 0 && (then ? ' ' : ' / ')}
            <kbd>{key}</kbd>
          </span>
        ))}
      </dt>
      <dd>{what}</dd>
    </div>
  );
}

/** After the page's own keys, which listen at the document: `?` lists the keys, `g` and a letter goes to a page, `j` and `k` walk over the rows of tables. */
function useFrameKeys(list: () => void): void {
  const { route } = useLocation();
  const wentAt = useRef(0);
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      // The page's own keys come first, and text is text.
      if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || isField(event.target) || document.querySelector('dialog[open]')) return;
      const going = Date.now() - wentAt.current < SEQUENCE_MS;
      wentAt.current = 0;
      const target = going ? pagesWithKeys().find(([key]) => key === event.key)?.[1] : undefined;
      if (target) route(homeOf(target));
      else if (event.key === 'g') wentAt.current = Date.now();
      else if (event.key === '?') list();
      else if (event.key !== 'j' && event.key !== 'k') return;
      else if (!walk(event.key === 'j' ? 1 : -1)) return;
      event.preventDefault();
    };
    window.addEventListener('keydown', onKey);
    return () => window.removeEventListener('keydown', onKey);
  }, [route]);
}

/** Focus what opens the next or previous row of the page's tables and lists; whether there is one. */
function walk(step: 1 | -1): boolean {
  const rows = [...document.querySelectorAll('main tbody > tr, main .walked > li')].filter((row) => row.querySelector('a[href], button'));
  if (rows.length === 0) return false;
  const now = rows.findIndex((row) => row.contains(document.activeElement));
  const next = now < 0 ? (step > 0 ? 0 : rows.length - 1) : Math.min(Math.max(now + step, 0), rows.length - 1);
  rows[next]?.querySelector<HTMLElement>('a[href], button')?.focus();
  return true;
}
