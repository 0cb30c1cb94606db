import { exec } from 'preact-iso/router';
import type { Group, Page, VisitKey } from './page';
import { type PageName, pages } from './pages.gen';
import { type Patch, withQuery } from './urlstate';
import { visitAt } from './visit';

/** The pages by their names, without the literal types that only links need. */
const manifests: Record<PageName, Page> = pages;

type Param<S extends string> = S extends `:${infer Name}?` | `:${infer Name}*`
  ? { [K in Name]?: string }
  : S extends `:${infer Name}`
    ? { [K in Name]: string }
    : unknown;

type Params<P extends string> = P extends `${infer Head}/${infer Tail}` ? Params<Head> & Params<Tail> : Param<P>;

type ParamsOf<N extends PageName> = Params<(typeof pages)[N]['path']>;

type Rest<P> = object extends P ? [params?: P, query?: Patch] : [params: P, query?: Patch];

/** The address of a page, by its name: `pathTo('chain', { logid })`. It keeps the range and the cluster of the visit. */
export function pathTo<N extends PageName>(name: N, ...[params, query]: Rest<ParamsOf<N>>): string {
  return addressOf(name, (params ?? {}) as Record<string, string | undefined>, query);
}

/** The same for a page whose name is only known when it runs, such as a tab out of `tabsOf`. */
export function addressOf(name: PageName, values: Record<string, string | undefined>, query: Patch = {}): string {
  return withQuery(placeOf(name, values), { ...visitAt(location.search, query), ...query });
}

function placeOf(name: PageName, values: Record<string, string | undefined>): string {
  const segments = manifests[name].path.split('/').map((segment) => {
    const key = /^:(\w+)/.exec(segment)?.[1];
    return key === undefined ? segment : (values[key] ?? '').split('/').map(encodeURIComponent).join('/');
  });
  const path = segments.filter((segment, index) => index === 0 || segment).join('/');
  return path || '/';
}

/** The address of an entry of the navigation: its page without any parameter. */
export function homeOf(name: PageName): string {
  return addressOf(name, {});
}

/** The pages that the router shows; the others are tabs of these. */
export function routes(): PageName[] {
  return named(({ tab }) => !tab, () => 0);
}

/** The entries of one group of the main navigation, in their order. */
export function navigation(group: Group): PageName[] {
  return named(({ nav }) => nav !== undefined && (nav.group ?? 'main') === group, ({ nav }) => nav?.order ?? 0);
}

/** The tabs of a page, in their order. */
export function tabsOf(name: PageName): PageName[] {
  return named(({ tab }) => tab?.of === name, ({ tab }) => tab?.order ?? 0);
}

/** Which entry of the navigation the page at this address belongs to. */
export function entryAt(path: string): PageName | undefined {
  const shown = routes().find((name) => exec(path, manifests[name].path));
  return shown && (manifests[shown].partOf ?? shown);
}

/** Which choices of the frame the page at this address follows. */
export function visitKeysAt(path: string): readonly VisitKey[] {
  const names = Object.keys(manifests) as PageName[];
  const at = (name: PageName) => exec(path, manifests[name].path) !== undefined;
  // A tab matches its own path and that of the page it belongs to.
  const shown = names.find((name) => manifests[name].tab && at(name)) ?? routes().find(at);
  return (shown && manifests[shown].visit) ?? [];
}

/** The last segment of a tab's path, by which its page tells it from the others. */
export function tabSegment(name: PageName): string {
  return manifests[name].path.split('/').at(-1) ?? '';
}

export function manifest(name: PageName): Page {
  return manifests[name];
}

function named(wanted: (page: Page) => boolean, order: (page: Page) => number): PageName[] {
  const names = Object.keys(manifests) as PageName[];
  return names.filter((name) => wanted(manifests[name])).sort((a, b) => order(manifests[a]) - order(manifests[b]));
}
