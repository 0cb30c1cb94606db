import type { Session } from '../api.gen';
import { said } from '../i18n/said';
import { createStore } from '../store';

export interface TextRange {
  offset: number;
  length: number;
}

/** A request that got no usable answer. `status` is 0 when nothing answered at all. */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    message: string,
    /** The part of the question that is wrong, in characters, when the platform points at one. */
    readonly at?: TextRange | undefined,
    /** A query that looks for the text of the wrong one as it stands. */
    readonly literal = '',
    /** The whole of what the platform said: for what only one page asks of an error. */
    readonly said: Record<string, unknown> = {},
  ) {
    super(message);
  }

  /** The platform, or the part of it that holds the facts, is away: the same question may work later. */
  get away(): boolean {
    return this.status === 0 || this.status >= 500;
  }
}

/** Whether we are signed in, going by the last answers. */
export const signedIn = createStore(true);

/** The name of the person who is signed in. */
export const operator = createStore('');

/** Whether they may do what concerns the whole fleet. */
export const mayAll = createStore(false);

function note(session: Session): void {
  operator.set(session.user);
  mayAll.set(session.role === 'admin');
}

export async function getJson<T>(path: string, signal?: AbortSignal): Promise<T> {
  const response = await send(path, { signal: signal ?? null });
  signedIn.set(true);
  const answer: unknown = await response.json();
  // An answer that did not change comes from the browser's cache; only its Date is of today.
  const date = Date.parse(response.headers.get('Date') ?? '') / 1000;
  if (isObject(answer) && typeof answer.now === 'number' && date > answer.now) answer.now = date;
  return answer as T;
}

/** Whether a question would be answered; what is wrong with it is thrown. For answers that never end. */
export async function probe(path: string, signal: AbortSignal): Promise<void> {
  const response = await send(path, { signal });
  await response.body?.cancel();
}

/** Ask the platform to do something; an answer without content is undefined. */
export async function sendJson<T>(method: 'POST' | 'PUT' | 'DELETE', path: string, body?: unknown, signal?: AbortSignal): Promise<T> {
  const init: RequestInit = { method, signal: signal ?? null };
  if (body !== undefined) init.body = JSON.stringify(body);
  const response = await send(path, init);
  return (response.status === 204 ? undefined : await response.json()) as T;
}

/** Trade a token for a session cookie, and see whether it was a right one. */
export async function signIn(token: string, user: string): Promise<'wrong' | 'away' | 'untried'> {
  try {
    const session = await sendJson<Session>('POST', '/api/login', { token, user });
    note(session);
    signedIn.set(true);
    return 'untried';
  } catch (error) {
    return error instanceof ApiError && !error.away ? 'wrong' : 'away';
  }
}

export async function askWho(): Promise<void> {
  const session = await getJson<Session>('/api/session');
  note(session);
}

export async function signOut(): Promise<void> {
  await send('/api/logout', { method: 'POST' });
  signedIn.set(false);
}

async function send(path: string, init: RequestInit): Promise<Response> {
  let response: Response;
  try {
    const headers: Record<string, string> = { Accept: 'application/json' };
    if (init.body) headers['Content-Type'] = 'application/json';
    response = await fetch(path, { ...init, headers });
  } catch (error) {
    if (error instanceof DOMException && error.name === 'AbortError') throw error;
    throw new ApiError(0, '');
  }
  if (response.ok) return response;
  if (response.status === 401) signedIn.set(false);
  throw await errorOf(response);
}

/** The platform's own explanation, or none when a proxy answered instead. */
async function errorOf(response: Response): Promise<ApiError> {
  const body: unknown = await response.json().catch(() => null);
  const error = isObject(body) && isObject(body.error) ? body.error : {};
  const message = said(String(error.message ?? ''), String(error.reason ?? ''), isObject(error.parts) ? (error.parts as Record<string, string>) : {});
  return new ApiError(response.status, message, rangeOf(error.at), String(error.literal ?? ''), error);
}

function rangeOf(at: unknown): TextRange | undefined {
  if (!isObject(at) || typeof at.offset !== 'number') return undefined;
  return { offset: at.offset, length: typeof at.length === 'number' ? at.length : 1 };
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}
