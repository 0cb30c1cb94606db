import { useLocation } from 'preact-iso/router';
import type { ComponentChildren } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import { askWho, operator, signedIn, signOut } from '../api/client';
import { useMessages } from '../i18n';
import { entryAt, homeOf, manifest, navigation } from '../paths';
import { language, theme, THEMES } from '../preferences';
import { useStore } from '../store';
import { Icon } from './icon';
import { Logo } from './logo';
import { SearchBox } from './search-box';

/** What surrounds every page. */
export function Frame({ children }: { children: ComponentChildren }) {
  const t = useMessages();
  const inside = useStore(signedIn);
  return (
    <>
      <a class="skip" href="#content">
        {t.app.skip}
      </a>
      <header class="frame">
        <a class="brand" href="/">
          <Logo />
          <span>Pie</span>
        </a>
        {inside && <Navigation />}
        {inside && <SearchBox />}
        <div class="frame-tools">
          {inside && <Operator />}
          <LanguageToggle />
          <ThemeToggle />
          {inside && (
            <button type="button" class="tool" onClick={() => void signOut().catch(() => undefined)} title={t.app.signOut} aria-label={t.app.signOut}>
              <Icon name="signOut" />
            </button>
          )}
        </div>
      </header>
      <main id="content" tabIndex={-1}>
        {children}
      </main>
    </>
  );
}

function Navigation() {
  const t = useMessages();
  const { path } = useLocation();
  const chosen = useStore(language);
  const current = entryAt(path);
  const list = useRef<HTMLElement>(null);
  useEffect(() => {
    list.current?.querySelector('[aria-current]')?.scrollIntoView({ block: 'nearest', inline: 'center' });
  }, [current, chosen]);
  return (
    <nav ref={list} aria-label={t.app.navigation}>
      {navigation().map((name) => (
        <a key={name} href={homeOf(name)} aria-current={name === current ? 'page' : undefined}>
          {manifest(name).title[chosen]}
        </a>
      ))}
    </nav>
  );
}

/** The name the person gave: what they start is listed under it. */
function Operator() {
  const name = useStore(operator);
  useEffect(() => void askWho().catch(() => undefined), []);
  return name ? (
    <span class="operator" title={name} data-testid="operator">
      {name}
    </span>
  ) : null;
}

function LanguageToggle() {
  const t = useMessages();
  const other = useStore(language) === 'zh' ? 'en' : 'zh';
  return (
    <button
      type="button"
      class="tool tool-text"
      lang={other}
      title={t.app.toOtherLanguage}
      aria-label={t.app.toOtherLanguage}
      onClick={() => language.set(other)}
    >
      {t.app.otherLanguage}
    </button>
  );
}

function ThemeToggle() {
  const t = useMessages();
  const now = useStore(theme);
  const next = THEMES[(THEMES.indexOf(now) + 1) % THEMES.length] ?? 'auto';
  const label = `${t.app.theme}: ${t.app.themes[now]}`;
  return (
    <button type="button" class="tool" title={label} aria-label={label} onClick={() => theme.set(next)}>
      <Icon name="theme" />
      <span class="tool-state" aria-hidden="true">
        {t.app.themes[now]}
      </span>
    </button>
  );
}
