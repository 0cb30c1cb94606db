import { createStore, type Store } from './store';

export const LANGUAGES = ['zh', 'en'] as const;
export type Language = (typeof LANGUAGES)[number];

export const THEMES = ['auto', 'light', 'dark'] as const;
export type Theme = (typeof THEMES)[number];

export const language = remembered<Language>('pie.language', LANGUAGES, browserLanguage());
export const theme = remembered<Theme>('pie.theme', THEMES, 'auto');

const FOLDED = ['no', 'yes'] as const;

/** Whether the side navigation shows icons only. */
export const folded = remembered<(typeof FOLDED)[number]>('pie.folded', FOLDED, 'no');

/** What the person is called, as given at the last sign-in. */
export const ownName = createStore(readStorage('pie.name') ?? '');
ownName.subscribe(() => writeStorage('pie.name', ownName.get()));

/** Reflect the preferences on the root element, now and at every change. */
export function applyPreferences(root: HTMLElement): void {
  const apply = () => {
    root.lang = language.get() === 'zh' ? 'zh-CN' : 'en';
    root.dataset.theme = theme.get();
  };
  language.subscribe(apply);
  theme.subscribe(apply);
  apply();
}

function browserLanguage(): Language {
  return navigator.language.toLowerCase().startsWith('zh') ? 'zh' : 'en';
}

function remembered<T extends string>(key: string, choices: readonly T[], fallback: T): Store<T> {
  const stored = readStorage(key);
  const store = createStore<T>(choices.find((choice) => choice === stored) ?? fallback);
  store.subscribe(() => writeStorage(key, store.get()));
  return store;
}

// Storage can be forbidden by the browser's settings; a preference is then kept for this page only.
export function readStorage(key: string): string | null {
  try {
    return localStorage.getItem(key);
  } catch {
    return null;
  }
}

export function writeStorage(key: string, value: string): void {
  try {
    localStorage.setItem(key, value);
  } catch {
    return;
  }
}
