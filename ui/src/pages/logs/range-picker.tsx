import { useRef, useState } from 'preact/hooks';
import { Icon } from '../../components/icon';
import { useDismiss } from '../../components/use-dismiss';
import { clockTime, dateTime, zoneOffset } from '../../format';
import { QUICK_RANGES, type Range, type Span } from './search-url';
import { useTexts } from './texts';

/** The last minutes to days, or from a moment to a moment. */
export function RangePicker({ range, span, onPick }: { range: Range; span: Span; onPick: (range: Range) => void }) {
  const t = useTexts().range;
  const [open, setOpen] = useState(false);
  const holder = useRef<HTMLDivElement>(null);
  useDismiss(holder, open, () => setOpen(false));
  const pick = (next: Range) => {
    setOpen(false);
    onPick(next);
  };
  return (
    <div class="picker" ref={holder}>
      <button type="button" class="quiet picker-button" aria-expanded={open} title={t.title} data-testid="range" onClick={() => setOpen(!open)}>
        <Icon name="clock" />
        <span>{'quick' in range ? t.quick[range.quick] : spanText(range)}</span>
        <Icon name="fold" />
      </button>
      {open && (
        <div class="popover picker-panel" role="dialog" aria-label={t.title}>
          <ul class="picker-quick">
            {QUICK_RANGES.map((quick) => (
              <li key={quick}>
                <button type="button" aria-pressed={'quick' in range && range.quick === quick} onClick={() => pick({ quick })}>
                  {t.quick[quick]}
                </button>
              </li>
            ))}
          </ul>
          <Absolute span={span} onPick={pick} />
        </div>
      )}
    </div>
  );
}

function Absolute({ span, onPick }: { span: Span; onPick: (range: Range) => void }) {
  const t = useTexts().range;
  const [wrong, setWrong] = useState('');
  return (
    <form
      class="picker-absolute"
      noValidate
      onSubmit={(event) => {
        event.preventDefault();
        const data = new FormData(event.currentTarget);
        const since = localSeconds(data.get('since'));
        const until = localSeconds(data.get('until'));
        if (Number.isNaN(since) || Number.isNaN(until)) setWrong(t.incomplete);
        else if (until <= since) setWrong(t.reversed);
        else onPick({ since, until });
      }}
    >
      <label>
        {t.from}
        <input name="since" type="datetime-local" step="1" defaultValue={localText(span.since)} />
      </label>
      <label>
        {t.to}
        <input name="until" type="datetime-local" step="1" defaultValue={localText(span.until)} />
      </label>
      <p class="dim">{t.zone(zoneOffset(span.until))}</p>
      {wrong && (
        <p class="bad-text" role="alert">
          {wrong}
        </p>
      )}
      <button type="submit" class="button">
        {t.apply}
      </button>
    </form>
  );
}

/** 04-17 21:43:30 → 21:50:00; the second day only where it differs. */
export function spanText({ since, until }: Span): string {
  const sameDay = dateTime(since).slice(0, 10) === dateTime(until).slice(0, 10);
  return `${dateTime(since).slice(5)} → ${sameDay ? clockTime(until) : dateTime(until).slice(5)}`;
}

function localText(seconds: number): string {
  return dateTime(seconds).replace(' ', 'T');
}

function localSeconds(text: FormDataEntryValue | null): number {
  return new Date(String(text)).getTime() / 1000;
}
