/** What the platform answers under /api/logs. Times are Unix seconds. */

export interface Line {
  id: string;
  ts: number;
  level: string;
  psm: string;
  cluster: string;
  host: string;
  folder: string;
  file: string;
  line: number;
  process: number;
  thread: number;
  logid: string;
  span_id: string;
  message: string;
  stack: string;
  stack_hash: string;
  fields: Record<string, string>;
  /** The message, the stack or a field is longer than shown. */
  cut: boolean;
}

export interface Found {
  lines: Line[];
  next: string | null;
  since: number;
  until: number;
  took_ms: number;
  logid: string | null;
}

export interface Bucket {
  ts: number;
  total: number;
  levels: Record<string, number>;
}

export interface Histogram {
  since: number;
  until: number;
  step_s: number;
  buckets: Bucket[];
  total: number;
  took_ms: number;
}

export interface FacetValue {
  value: string;
  count: number;
}

export interface Facets {
  facets: Partial<Record<FilterField, FacetValue[]>>;
}

export interface StackGroup {
  stack_hash: string;
  error: string;
  count: number;
  first: number;
  last: number;
  psms: string[];
  sample: Line;
}

export interface Context {
  lines: Line[];
  target: string;
}

export type TaskType = 'normal' | 'chain' | 'stack' | 'client';
export type TaskState = 'running' | 'done' | 'failed' | 'cancelled';

export interface TaskParams {
  q?: string;
  psm?: string[];
  cluster?: string[];
  host?: string[];
  level?: string[];
  since?: number;
  until?: number;
}

export interface Task {
  id: number;
  name: string;
  type: TaskType;
  operator: string;
  started: number;
  ended: number | null;
  state: TaskState;
  progress: number;
  found: number;
  message: string;
  logid: string | null;
  params: TaskParams;
}

export interface TaskResult {
  task: Task;
  lines: Line[];
  levels: Record<string, number>;
  histogram: Histogram | null;
  truncated: boolean;
}

export const FILTER_FIELDS = ['level', 'psm', 'cluster', 'host', 'folder'] as const;
export type FilterField = (typeof FILTER_FIELDS)[number];

export function isFilterField(name: string): name is FilterField {
  return (FILTER_FIELDS as readonly string[]).includes(name);
}
