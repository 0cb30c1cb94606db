import type { components } from '../../api.gen';

/** What the platform answers under /api/logs, named as its OpenAPI description names it. Times are Unix seconds. */

type Schemas = components['schemas'];

/** What has a default is optional in the description, but always sent. */
type Sent<T> = T extends (infer E)[] ? Sent<E>[] : T extends object ? { [K in keyof T]-?: Sent<T[K]> } : T;

export type Line = Sent<Schemas['Line']>;
export type Found = Sent<Schemas['SearchAnswer']>;
export type Bucket = Sent<Schemas['Bucket']>;
export type Histogram = Sent<Schemas['Histogram']>;
export type FacetValue = Sent<Schemas['FacetValue']>;
export type Facets = Sent<Schemas['Facets']>;
export type StackGroup = Sent<Schemas['StackGroup']>;
export type StackGroups = Sent<Schemas['StackGroups']>;
export type Context = Sent<Schemas['Context']>;
export type Completions = Sent<Schemas['Completions']>;
export type Task = Sent<Schemas['Task']>;
export type TaskType = Task['type'];
export type TaskState = Task['state'];
export type TaskList = Sent<Schemas['TaskList']>;
export type TaskResult = Sent<Schemas['TaskResult']>;
export type NewTask = Schemas['TaskRequest'];

export const FILTER_FIELDS = ['level', 'psm', 'cluster', 'host', 'folder'] as const;
export type FilterField = (typeof FILTER_FIELDS)[number];

export function isFilterField(name: string): name is FilterField {
  return (FILTER_FIELDS as readonly string[]).includes(name);
}
