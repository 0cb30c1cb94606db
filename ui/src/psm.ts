/** `product.subsystem.module`; other names, such as those of foreign registries, are no services of ours. */
export function isPsm(text: string): boolean {
  return /^[a-z0-9_]+\.[a-z0-9_]+\.[a-z0-9_]+$/.test(text);
}
