import { useEffect, useRef, useState } from 'preact/hooks';
import { useQuery } from '../../api/query';
import { Icon } from '../../components/icon';
import { Trouble } from '../../components/trouble';
import { Highlighted } from './highlighted';
import { headline, sourceText, whenText } from './line-text';
import { useTexts } from './texts';
import type { Context, Line } from '../../api.gen';

const LINES = 20;
const MOST_LINES = 500;
const SECONDS = [1, 5, 30];

/** What stands before and after a line: in its file, or on its host around the same time. */
export function ContextView({ line, pattern }: { line: Line; pattern: RegExp | null }) {
  const t = useTexts().context;
  const [seconds, setSeconds] = useState(0);
  const [before, setBefore] = useState(LINES);
  const [after, setAfter] = useState(LINES);
  const reach = seconds ? `seconds=${seconds}` : `before=${before}&after=${after}`;
  const query = useQuery<Context>(`/api/logs/context?id=${encodeURIComponent(line.id)}&${reach}`, () => null, true);
  const box = useRef<HTMLDivElement>(null);
  const lines = query.data?.lines;
  const at = lines?.findIndex(({ id }) => id === line.id) ?? -1;
  const target = `${seconds} ${lines !== undefined}`;
  useEffect(() => {
    const row = box.current?.querySelector('.target');
    if (box.current && row instanceof HTMLElement) box.current.scrollTop = row.offsetTop - box.current.clientHeight / 2;
  }, [target]);

  const more = (ask: boolean, act: () => void, text: string) =>
    ask && (
      <button type="button" class="link context-more" onClick={act}>
        {text}
      </button>
    );
  return (
    <section class="context" aria-label={t.title} data-testid="context">
      <header>
        <h3>{t.title}</h3>
        <div class="segments" role="group" aria-label={t.title}>
          <button type="button" aria-pressed={seconds === 0} onClick={() => setSeconds(0)}>
            {t.file}
          </button>
          {SECONDS.map((each) => (
            <button key={each} type="button" aria-pressed={seconds === each} onClick={() => setSeconds(each)}>
              {t.seconds(each)}
            </button>
          ))}
        </div>
        <span class="dim">{seconds ? t.hostHint(line.host) : line.file.split('/').at(-1) && t.fileHint}</span>
      </header>
      <Trouble query={query} retrying={false} />
      <div class="context-lines" ref={box} tabIndex={0} aria-busy={query.pending}>
        {!lines && query.pending && <p class="dim">{t.loading}</p>}
        {more(!seconds && at === before && before < MOST_LINES, () => setBefore(before + LINES), t.before(LINES))}
        {lines?.map((each) => (
          <div key={each.id} class={`cl level-${each.level.toLowerCase()}${each.id === line.id ? ' target' : ''}`} title={each.stack || undefined}>
            <time>{whenText(each.ts, false)}</time>
            <span class="log-level">{each.level}</span>
            <span class="cl-text">
              <Highlighted text={headline(each)} pattern={pattern} />
              {each.stack && <Icon name="warning" />}
              <span class="log-where">{sourceText(each)}</span>
            </span>
          </div>
        ))}
        {more(!seconds && lines !== undefined && lines.length - at - 1 === after && after < MOST_LINES, () => setAfter(after + LINES), t.after(LINES))}
      </div>
    </section>
  );
}
