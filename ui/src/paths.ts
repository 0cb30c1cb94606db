import { type Patch, withQuery } from './urlstate';

/** Where a service's page is. */
export function servicePath(psm: string, tab = 'overview', values: Patch = {}): string {
  return withQuery(`/s/${encodeURIComponent(psm)}/${tab}`, values);
}

/** `product.subsystem.module`; other names, such as those of foreign registries, are no services of ours. */
export function isPsm(text: string): boolean {
  return /^[a-z0-9_]+\.[a-z0-9_]+\.[a-z0-9_]+$/.test(text);
}
