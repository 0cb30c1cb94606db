import { useEffect, useRef, useState } from 'preact/hooks';
import { ApiError, getJson } from './client';

export interface Query<T> {
  /** The last good answer; it stays while newer questions fail. */
  data: T | undefined;
  error: ApiError | undefined;
  /** When `data` was received, in Unix milliseconds. */
  receivedAt: number;
  /** True until the first answer for this path, good or bad. */
  pending: boolean;
  refresh: () => void;
}

/** Milliseconds until the next question, or null to ask no more. */
export type Cadence<T> = (data: T | undefined, error: ApiError | undefined) => number | null;

interface Answer<T> {
  path: string;
  settled: boolean;
  data: T | undefined;
  error: ApiError | undefined;
  receivedAt: number;
}

/**
 * Ask once, then again as `cadence` says. No two questions overlap, none is asked while the tab is
 * hidden, and an answer to an older path is dropped. An empty path asks nothing.
 *
 * `keep` shows the previous path's data until the new path answers: right for a changed filter,
 * wrong for another object.
 */
export function useQuery<T>(path: string, cadence: Cadence<T>, keep = false): Query<T> {
  const [answer, setAnswer] = useState<Answer<T>>({ path, settled: false, data: undefined, error: undefined, receivedAt: 0 });
  const [round, setRound] = useState(0);
  const current = useRef(answer);
  const nextDelay = useRef(cadence);
  nextDelay.current = cadence;
  const own = answer.path === path;
  const resting = own && answer.settled && cadence(answer.data, answer.error) === null;
  const asked = useRef('');

  useEffect(() => {
    // Answered, and to be asked no more: unless the reader asks.
    const question = `${round} ${path}`;
    if (!path || (resting && asked.current === question)) return undefined;
    asked.current = question;
    const aborter = new AbortController();
    let timer: number | undefined;

    const settle = (next: Answer<T>) => {
      current.current = next;
      setAnswer(next);
      const delay = () => nextDelay.current(next.data, next.error);
      const wait = delay();
      // Asked again when the time has come: the reader may have paused meanwhile.
      if (wait !== null) timer = window.setTimeout(() => delay() !== null && ask(), wait);
    };
    const ask = () => {
      if (document.hidden) {
        document.addEventListener('visibilitychange', ask, { once: true, signal: aborter.signal });
        return;
      }
      getJson<T>(path, aborter.signal).then(
        (data) => settle({ path, settled: true, data, error: undefined, receivedAt: Date.now() }),
        (reason: unknown) => {
          if (aborter.signal.aborted) return;
          const error = reason instanceof ApiError ? reason : new ApiError(0, String(reason));
          const last = current.current;
          const usable = keep || last.path === path;
          settle({ path, settled: true, data: usable ? last.data : undefined, error, receivedAt: last.receivedAt });
        },
      );
    };
    ask();
    return () => {
      aborter.abort();
      clearTimeout(timer);
    };
  }, [path, round, resting]);

  return {
    data: own || keep ? answer.data : undefined,
    error: own ? answer.error : undefined,
    receivedAt: answer.receivedAt,
    pending: !own || !answer.settled,
    refresh: () => setRound((n) => n + 1),
  };
}
