import type { ComponentType } from 'preact';
import lazy from 'preact-iso/lazy';
import { useEffect, useState } from 'preact/hooks';
import { OutdatedPage } from './components/outdated';
import { type PageName, screens } from './pages.gen';

/** File names of the pages' style sheets, put in by the build. */
declare const PAGE_STYLES: Partial<Record<PageName, string>>;

const loaded = new Map<PageName, ComponentType<any>>();

/** The component of a page, with its code and its style fetched when it is first shown. */
export function screenOf(name: PageName): ComponentType {
  return lazy(() => load(name));
}

/** The component of a tab, once its code and its style are here. */
export function useScreen<P>(name: PageName | undefined): ComponentType<P> | undefined {
  const [, redraw] = useState(0);
  useEffect(() => {
    let shown = true;
    if (name && !loaded.has(name)) void load(name).then(() => shown && redraw((n) => n + 1));
    return () => {
      shown = false;
    };
  }, [name]);
  return name && loaded.get(name);
}

async function load(name: PageName): Promise<ComponentType> {
  try {
    const style = PAGE_STYLES[name];
    const [module] = await Promise.all([screens[name](), style && link(`/assets/${style}`)]);
    loaded.set(name, module.default);
  } catch {
    // The platform is away, or was updated since this tab was opened: the files have other names now.
    loaded.set(name, OutdatedPage);
  }
  return loaded.get(name) ?? OutdatedPage;
}

/** Resolves when the style sheet is in force, so that no page is shown without its style. */
function link(href: string): Promise<void> {
  if (document.head.querySelector(`link[href="${href}"]`)) return Promise.resolve();
  return new Promise((resolve, reject) => {
    const sheet = document.createElement('link');
    sheet.rel = 'stylesheet';
    sheet.href = href;
    sheet.onload = () => resolve();
    sheet.onerror = () => {
      sheet.remove();
      reject(new Error(`no style sheet at ${href}`));
    };
    document.head.append(sheet);
  });
}
