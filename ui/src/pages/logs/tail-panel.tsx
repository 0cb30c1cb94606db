import { useEffect, useLayoutEffect, useMemo, useRef, useState } from 'preact/hooks';
import { Icon } from '../../components/icon';
import { count } from '../../format';
import { createStore, useStore } from '../../store';
import { LineDetail } from './line-detail';
import { LineList } from './line-list';
import { useLineActions } from './results';
import { apiParams, type SearchState } from './search-url';
import { useTexts } from './texts';
import type { Line } from '../../api.gen';
import { useTail } from './use-tail';

/** Whether new lines come in at the top; kept while the page is open. */
const newestOnTop = createStore(false);
const NEAR_PX = 30;

/** Lines as they are written. Scrolling away from the newest holds the rest back. */
export function TailPanel({ state, pattern }: { state: SearchState; pattern: RegExp | null }) {
  const t = useTexts();
  const { search } = state;
  const onTop = useStore(newestOnTop);
  const [paused, setPaused] = useState(false);
  const [away, setAway] = useState(false);
  const [open, setOpen] = useState<ReadonlySet<string>>(new Set());
  const tail = useTail(apiParams(search).toString(), paused || away);
  const scroller = useRef<HTMLDivElement>(null);
  const lines = useMemo(() => (onTop ? tail.lines.toReversed() : tail.lines), [tail.lines, onTop]);
  const span = useMemo(() => ({ since: Date.now() / 1000 - 60, until: Date.now() / 1000 }), [tail.lines]);
  const actions = useLineActions(state, span);
  const still = paused || away;

  const toNewest = () => {
    const box = scroller.current;
    if (box) box.scrollTop = onTop ? 0 : box.scrollHeight;
  };
  useLayoutEffect(() => {
    if (!still) toNewest();
  }, [lines, still, onTop]);
  useEffect(() => setAway(false), [onTop]);

  const onScroll = () => {
    const box = scroller.current;
    if (!box) return;
    const far = onTop ? box.scrollTop : box.scrollHeight - box.scrollTop - box.clientHeight;
    setAway(far > NEAR_PX);
  };
  const toggle = (id: string) => {
    const next = new Set(open);
    if (!next.delete(id)) {
      next.add(id);
      setPaused(true); // what is being read must not run away
    }
    setOpen(next);
  };
  const resume = () => {
    setPaused(false);
    setAway(false);
  };
  return (
    <section class="card results tail" aria-labelledby="tail-title" data-testid="tail">
      <header class="card-head results-head">
        <h2 id="tail-title">
          <i class={`tail-light tail-${still && tail.state === 'open' ? 'paused' : tail.state}`} />
          {still && tail.state === 'open' ? t.tail.paused : t.tail.states[tail.state]}
        </h2>
        <p class="card-sub" aria-live="polite">
          {t.results.total(count(lines.length), lines.length)}
          {still && tail.held > 0 && <strong data-testid="held"> · {t.tail.held(count(tail.held), tail.held)}</strong>}
          {tail.dropped > 0 && <span class="mild-text"> · {t.tail.dropped(count(tail.dropped))}</span>}
        </p>
        <div class="tail-tools">
          <button type="button" class="quiet" aria-pressed={still} data-testid="tail-pause" onClick={() => (still ? resume() : setPaused(true))}>
            <Icon name={still ? 'play' : 'pause'} />
            {still ? t.tail.resume : t.tail.pause}
          </button>
          <button type="button" class="quiet" onClick={() => newestOnTop.set(!onTop)}>
            <Icon name={onTop ? 'up' : 'down'} />
            {onTop ? t.tail.onTop : t.tail.atBottom}
          </button>
          <button type="button" class="quiet" onClick={tail.clear}>
            {t.tail.clear}
          </button>
        </div>
      </header>
      {tail.error && (
        <p class="hint bad-text" role="alert">
          {tail.error.message || t.tail.states.away}
        </p>
      )}
      <div class="tail-lines" ref={scroller} onScroll={onScroll}>
        {lines.length === 0 && <p class="tail-empty dim">{t.tail.empty}</p>}
        <LineList
          lines={lines}
          open={open}
          onToggle={toggle}
          detail={(line: Line) => <LineDetail line={line} pattern={pattern} actions={actions} />}
          client={search.tab === 'client'}
          dated={false}
          pattern={pattern}
          scroller={scroller}
        />
      </div>
      {still && tail.held > 0 && (
        <button type="button" class="button tail-new" onClick={resume}>
          <Icon name={onTop ? 'up' : 'down'} />
          {t.tail.held(count(tail.held), tail.held)}
        </button>
      )}
    </section>
  );
}
