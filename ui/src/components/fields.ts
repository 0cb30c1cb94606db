/** Whether keys typed there are text: the keys of a page must leave them alone. */
export function isField(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && target.matches('input, select, textarea, [contenteditable]');
}
