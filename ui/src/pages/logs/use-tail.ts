import { useEffect, useRef, useState } from 'preact/hooks';
import { type ApiError, getJson, probe } from '../../api/client';
import { asApiError, joined } from './api';
import type { Line, SearchAnswer } from '../../api.gen';

/** Lines kept on the page, and held back while it stands still. */
const KEPT = 2000;
const HELD = 5000;
/** What is shown before the first new line comes, and looked for after the connection was lost. */
const BEFORE = 50;
const BEFORE_SECONDS = 900;
const MISSED = 500;
const OVERLAP_SECONDS = 5;
const DRAW_MS = 200;
/** Files arrive one by one; lines this close to the newest are put in the order of their times. */
const SHUFFLED_SECONDS = 10;
const RETRY_MS = 3000;
const HIDDEN_MS = 5 * 60_000;

export type TailState = 'connecting' | 'open' | 'away' | 'hidden';

export interface Tail {
  /** Oldest first. */
  lines: Line[];
  state: TailState;
  /** Lines that came while the page stands still. */
  held: number;
  /** Lines that the platform or this page could not keep up with. */
  dropped: number;
  error: ApiError | undefined;
  clear: () => void;
}

/** New lines as they come. While `paused` they are held back; a tab hidden for long stops asking. */
export function useTail(params: string, paused: boolean): Tail {
  const [lines, setLines] = useState<Line[]>([]);
  const [held, setHeld] = useState(0);
  const [dropped, setDropped] = useState(0);
  const [state, setState] = useState<TailState>('connecting');
  const [error, setError] = useState<ApiError>();
  const waiting = useRef<Line[]>([]);
  const newest = useRef(0);
  const still = useRef(paused);
  still.current = paused;

  const draw = () => {
    if (still.current) return setHeld(waiting.current.length);
    setHeld(0);
    if (waiting.current.length === 0) return;
    const fresh = waiting.current;
    waiting.current = [];
    newest.current = Math.max(newest.current, ...fresh.map(({ ts }) => ts));
    setLines((old) => inOrder(joined(old, fresh), fresh).slice(-KEPT));
  };
  useEffect(draw, [paused]);

  useEffect(() => {
    const aborter = new AbortController();
    let source: EventSource | undefined;
    let retry: number | undefined;
    let hiding: number | undefined;

    const hold = (fresh: Line[]) => {
      waiting.current.push(...fresh);
      const over = waiting.current.length - HELD;
      if (over <= 0) return;
      waiting.current.splice(0, over);
      setDropped((n) => n + over);
    };
    const lookBack = (since: number, limit: number) => {
      const span = `since=${since}&until=${Date.now() / 1000 + OVERLAP_SECONDS}`;
      getJson<SearchAnswer>(`/api/logs/search?${params}&${span}&order=desc&limit=${limit}`, aborter.signal).then(
        (found) => {
          newest.current = Math.max(newest.current, ...found.lines.map(({ ts }) => ts));
          setLines((old) => joined(old, found.lines).sort(byTime).slice(-KEPT));
        },
        () => undefined, // the tail itself says what is wrong
      );
    };
    const connect = () => {
      clearTimeout(retry);
      setState('connecting');
      source = new EventSource(`/api/logs/tail?${params}`);
      source.onopen = () => {
        setState('open');
        setError(undefined);
        // What came while nobody listened; a line that comes twice is shown once.
        if (newest.current) lookBack(newest.current - OVERLAP_SECONDS, MISSED);
        else lookBack(Date.now() / 1000 - BEFORE_SECONDS, BEFORE);
      };
      source.addEventListener('lines', (event) => hold(JSON.parse(event.data) as Line[]));
      source.addEventListener('dropped', (event) => {
        const { count } = JSON.parse(event.data) as { count: number };
        setDropped((n) => n + count);
      });
      // The browser connects again by itself after a lost connection, not after a refusal.
      source.onerror = () => {
        setState('away');
        if (source?.readyState === EventSource.CLOSED) void explain();
      };
    };
    const explain = async () => {
      try {
        await probe(`/api/logs/tail?${params}`, aborter.signal);
        retry = window.setTimeout(connect, RETRY_MS);
      } catch (reason) {
        if (aborter.signal.aborted) return;
        const why = asApiError(reason);
        setError(why);
        if (why.away || why.status === 429) retry = window.setTimeout(connect, RETRY_MS);
      }
    };
    const onVisibility = () => {
      clearTimeout(hiding);
      if (document.hidden) {
        hiding = window.setTimeout(() => {
          source?.close();
          clearTimeout(retry);
          setState('hidden');
        }, HIDDEN_MS);
      } else if (source?.readyState === EventSource.CLOSED) connect();
    };

    connect();
    const drawing = setInterval(draw, DRAW_MS);
    document.addEventListener('visibilitychange', onVisibility);
    return () => {
      aborter.abort();
      source?.close();
      clearInterval(drawing);
      clearTimeout(retry);
      clearTimeout(hiding);
      document.removeEventListener('visibilitychange', onVisibility);
    };
  }, [params]);

  const clear = () => {
    waiting.current = [];
    setLines([]);
    setHeld(0);
    setDropped(0);
  };
  return { lines, state, held, dropped, error, clear };
}

/** A line that is later than that stays where it came in: at the end, where it is seen. */
function inOrder(lines: Line[], fresh: Line[]): Line[] {
  const recent = Math.max(...lines.map(({ ts }) => ts)) - SHUFFLED_SECONDS;
  const came = new Set(fresh);
  const late = lines.filter((line) => line.ts < recent && came.has(line));
  const settled = lines.filter((line) => line.ts < recent && !came.has(line));
  const moving = lines.filter((line) => line.ts >= recent).sort(byTime);
  return [...settled, ...moving, ...late];
}

function byTime(a: Line, b: Line): number {
  return a.ts - b.ts;
}
