/** The fields by which a search can be narrowed with one click. */
export const FILTER_FIELDS = ['level', 'psm', 'cluster', 'host', 'folder'] as const;
export type FilterField = (typeof FILTER_FIELDS)[number];

export function isFilterField(name: string): name is FilterField {
  return (FILTER_FIELDS as readonly string[]).includes(name);
}
