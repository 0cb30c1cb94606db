import type { ComponentChildren } from 'preact';
import { useLocation } from 'preact-iso/router';
import { useEffect, useState } from 'preact/hooks';
import { signedIn } from '../api/client';
import { useMessages } from '../i18n';
import { addressOf } from '../paths';
import { folded, language, theme, THEMES } from '../preferences';
import { useStore } from '../store';
import { Icon } from './icon';
import { Keys } from './keys';
import { Logo } from './logo';
import { Palette } from './palette';
import { SideNavigation } from './side-navigation';
import { useMedia } from './use-media';
import { VisitChoices } from './visit-choices';

/** Below this width the navigation is a drawer; frame.css says the same. */
const DRAWER = '(max-width: 860px)';

/** What surrounds every page. */
export function Frame({ children }: { children: ComponentChildren }) {
  const t = useMessages();
  const inside = useStore(signedIn);
  const drawer = useMedia(DRAWER);
  const narrow = useStore(folded) === 'yes' && !drawer;
  const [open, setOpen] = useState(false);
  const { path } = useLocation();
  useEffect(() => setOpen(false), [path, drawer]);
  return (
    <div class={`shell${inside ? '' : ' shell-bare'}${narrow ? ' shell-folded' : ''}`}>
      <a class="skip" href="#content">
        {t.app.skip}
      </a>
      {inside && <SideNavigation drawer={drawer} open={open} folded={narrow} onClose={() => setOpen(false)} />}
      <div class="shell-page">
        <header class="top">
          {inside && (
            <button type="button" class="tool menu-button" aria-label={t.app.menu} title={t.app.menu} aria-expanded={open} onClick={() => setOpen(true)}>
              <Icon name="menu" />
            </button>
          )}
          <a class={`brand${inside ? ' brand-small' : ''}`} href={addressOf('home', {})} aria-label="Pie">
            <Logo />
            {!inside && <span>Pie</span>}
          </a>
          {inside && <Palette />}
          {inside && <VisitChoices />}
          <div class="tools">
            {inside && <Keys />}
            <LanguageToggle />
            <ThemeToggle />
          </div>
        </header>
        <main id="content" tabIndex={-1}>
          {children}
        </main>
      </div>
    </div>
  );
}

function LanguageToggle() {
  const t = useMessages();
  const other = useStore(language) === 'zh' ? 'en' : 'zh';
  return (
    <button type="button" class="tool tool-text" lang={other} title={t.app.toOtherLanguage} aria-label={t.app.toOtherLanguage} onClick={() => language.set(other)}>
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
    </button>
  );
}
