import { createStore } from '../store';

/** A request that got no usable answer. `status` is 0 when nothing answered at all. */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    message: string,
  ) {
    super(message);
  }

  /** The platform, or the part of it that holds the facts, is away: the same question may work later. */
  get away(): boolean {
    return this.status === 0 || this.status >= 500;
  }
}

/** Whether the last answers said that we are signed in. */
export const signedIn = createStore(true);

export async function getJson<T>(path: string, signal?: AbortSignal): Promise<T> {
  const response = await send(path, { signal: signal ?? null });
  signedIn.set(true);
  return (await response.json()) as T;
}

/** Trade the admin token for a session cookie, and see whether it was the right one. */
export async function signIn(token: string): Promise<'wrong' | 'away' | 'untried'> {
  try {
    // The answer redirects to a page we do not want to leave for; its cookie is kept all the same.
    await fetch(`/login?token=${encodeURIComponent(token)}`, { redirect: 'manual' });
    await getJson('/api/session');
    return 'untried';
  } catch (error) {
    return error instanceof ApiError && !error.away ? 'wrong' : 'away';
  }
}

export async function signOut(): Promise<void> {
  await send('/api/logout', { method: 'POST' });
  signedIn.set(false);
}

async function send(path: string, init: RequestInit): Promise<Response> {
  let response: Response;
  try {
    response = await fetch(path, { ...init, headers: { Accept: 'application/json' } });
  } catch (error) {
    if (error instanceof DOMException && error.name === 'AbortError') throw error;
    throw new ApiError(0, '');
  }
  if (response.ok) return response;
  if (response.status === 401) signedIn.set(false);
  throw new ApiError(response.status, await messageOf(response));
}

/** The platform's own explanation, or nothing when a proxy answered in its place. */
async function messageOf(response: Response): Promise<string> {
  const body: unknown = await response.json().catch(() => null);
  if (typeof body === 'object' && body !== null && 'error' in body) {
    const error = body.error;
    if (typeof error === 'object' && error !== null && 'message' in error) return String(error.message);
  }
  return '';
}
