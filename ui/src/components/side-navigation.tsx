import { useLocation } from 'preact-iso/router';
import type { ComponentChildren } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import { askWho, operator, signOut } from '../api/client';
import { favourites } from '../favourites';
import { useMessages } from '../i18n';
import type { Group } from '../page';
import { addressOf, entryAt, manifest, navigation, pathTo } from '../paths';
import { folded as foldedStore, language } from '../preferences';
import { useStore } from '../store';
import { isField } from './fields';
import { Icon, type IconName } from './icon';
import { Logo } from './logo';
import { useDismiss } from './use-dismiss';

/** Starred services beyond these are on the home page only. */
const STARRED = 8;

interface Props {
  /** The screen is narrow: the navigation lies over the page while it is open. */
  drawer: boolean;
  open: boolean;
  folded: boolean;
  onClose: () => void;
}

/** The pages by their groups, the starred services, and who is signed in. */
export function SideNavigation({ drawer, open, folded, onClose }: Props) {
  const t = useMessages();
  const spoken = useStore(language);
  const starred = useStore(favourites).starred.slice(-STARRED);
  const { path } = useLocation();
  const current = entryAt(path);
  const side = useRef<HTMLElement>(null);
  useDismiss(side, drawer && open, onClose);
  useFoldKey(drawer);
  useKeptFocus(side, drawer && open);

  const entries = (group: Group) =>
    navigation(group).map((name) => (
      <Item key={name} href={addressOf(name, {})} title={manifest(name).title[spoken]} icon={manifest(name).nav?.icon ?? 'file'} current={name === current} />
    ));
  const fleet = entries('fleet');
  return (
    <aside ref={side} class={`side${open ? ' side-open' : ''}`} hidden={drawer && !open}>
      <div class="side-in">
        <a class="brand" href={addressOf('home', {})}>
          <Logo />
          <span>Pie</span>
        </a>
        <nav aria-label={t.app.navigation}>
          {entries('main')}
          {fleet.length > 0 && <Heading>{t.app.fleet}</Heading>}
          {fleet}
          {starred.length > 0 && <Heading>{t.app.starred}</Heading>}
          {starred.map((psm) => (
            <Item key={psm} href={pathTo('service-overview', { psm })} title={psm} icon="star" starred />
          ))}
          <div class="side-foot">{entries('platform')}</div>
        </nav>
        <Operator />
        {!drawer && (
          <button type="button" class="side-item" aria-pressed={folded} aria-keyshortcuts="[" title={folded ? t.app.unfold : t.app.fold} onClick={fold}>
            <Icon name="collapse" />
            <span class="side-label">{folded ? t.app.unfold : t.app.fold}</span>
            <kbd aria-hidden="true">[</kbd>
          </button>
        )}
      </div>
    </aside>
  );
}

function Heading({ children }: { children: ComponentChildren }) {
  return <p class="side-heading">{children}</p>;
}

function Item({ href, title, icon, current, starred }: { href: string; title: string; icon: IconName; current?: boolean; starred?: boolean }) {
  // Of a PSM the product goes first: the last two parts tell services apart.
  const short = starred ? title.replace(/^[^.]+\./, '') : title;
  return (
    <a class={`side-item${starred ? ' side-star' : ''}`} href={href} title={title} aria-label={starred ? title : undefined} aria-current={current ? 'page' : undefined}>
      <Icon name={icon} />
      <span class="side-label">{short}</span>
    </a>
  );
}

/** The name the person gave: what they start is listed under it. */
function Operator() {
  const t = useMessages();
  const name = useStore(operator);
  useEffect(() => void askWho().catch(() => undefined), []);
  return (
    <div class="side-who">
      {name && (
        <span class="operator" title={name} data-testid="operator">
          {name}
        </span>
      )}
      <button type="button" class="tool" onClick={() => void signOut().catch(() => undefined)} title={t.app.signOut} aria-label={t.app.signOut}>
        <Icon name="signOut" />
      </button>
    </div>
  );
}

function fold(): void {
  foldedStore.set(foldedStore.get() === 'yes' ? 'no' : 'yes');
}

/** `[` folds and unfolds, outside of fields. */
function useFoldKey(drawer: boolean): void {
  useEffect(() => {
    if (drawer) return undefined;
    const onKey = (event: KeyboardEvent) => {
      if (event.key !== '[' || event.ctrlKey || event.metaKey || event.altKey || isField(event.target)) return;
      event.preventDefault();
      fold();
    };
    document.addEventListener('keydown', onKey);
    return () => document.removeEventListener('keydown', onKey);
  }, [drawer]);
}

/** An open drawer takes the focus, keeps Tab inside, and gives the focus back. */
function useKeptFocus(side: { current: HTMLElement | null }, active: boolean): void {
  useEffect(() => {
    const drawer = side.current;
    if (!active || !drawer) return undefined;
    const before = document.activeElement;
    const inside = () => [...drawer.querySelectorAll<HTMLElement>('a[href], button')];
    (drawer.querySelector<HTMLElement>('[aria-current]') ?? inside()[0])?.focus();
    const onKey = (event: KeyboardEvent) => {
      if (event.key !== 'Tab') return;
      const all = inside();
      const edge = event.shiftKey ? all[0] : all.at(-1);
      if (document.activeElement !== edge && drawer.contains(document.activeElement)) return;
      event.preventDefault();
      (event.shiftKey ? all.at(-1) : all[0])?.focus();
    };
    document.addEventListener('keydown', onKey);
    return () => {
      document.removeEventListener('keydown', onKey);
      if (before instanceof HTMLElement) before.focus();
    };
  }, [active]);
}
