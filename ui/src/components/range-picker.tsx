import { useRef, useState } from 'preact/hooks';
import { clockTime, dateTime, zoneOffset } from '../format';
import { useMessages } from '../i18n';
import type { TimeSpan } from '../visit';
import { Icon } from './icon';
import { useDismiss } from './use-dismiss';

interface Props<Q extends string> {
  /** Ranges that end now, by their name. */
  quick: ReadonlyArray<readonly [name: Q, text: string]>;
  chosen: Q | TimeSpan;
  /** What the range means at present: where a choice of moments begins. */
  span: TimeSpan;
  onPick: (range: Q | TimeSpan) => void;
}

/** The last minutes to days, or from a moment to a moment. */
export function RangePicker<Q extends string>({ quick, chosen, span, onPick }: Props<Q>) {
  const t = useMessages().visit;
  const [open, setOpen] = useState(false);
  const holder = useRef<HTMLDivElement>(null);
  const button = useRef<HTMLButtonElement>(null);
  const close = () => {
    setOpen(false);
    button.current?.focus();
  };
  useDismiss(holder, open, close);
  const pick = (next: Q | TimeSpan) => {
    close();
    onPick(next);
  };
  const text = typeof chosen === 'string' ? (quick.find(([name]) => name === chosen)?.[1] ?? chosen) : spanText(chosen);
  return (
    <div class="picker" ref={holder}>
      <button type="button" ref={button} class="quiet picker-button" aria-expanded={open} aria-label={`${t.range}: ${text}`} title={t.range} data-testid="range" onClick={() => setOpen(!open)}>
        <Icon name="clock" />
        <span>{text}</span>
        <Icon name="fold" />
      </button>
      {open && (
        <div class="popover picker-panel" role="dialog" aria-label={t.range}>
          <ul class="picker-quick">
            {quick.map(([name, label]) => (
              <li key={name}>
                <button type="button" aria-pressed={chosen === name} onClick={() => pick(name)}>
                  {label}
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

function Absolute({ span, onPick }: { span: TimeSpan; onPick: (span: TimeSpan) => void }) {
  const t = useMessages().visit;
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

/** 04-17 21:43:30 → 21:50:00; the second day only where it differs, the year only of another one. */
export function spanText({ since, until }: TimeSpan): string {
  const sameDay = dateTime(since).slice(0, 10) === dateTime(until).slice(0, 10);
  const from = new Date(since * 1000).getFullYear() === new Date().getFullYear() ? 5 : 0;
  return `${dateTime(since).slice(from)} → ${sameDay ? clockTime(until) : dateTime(until).slice(from)}`;
}

function localText(seconds: number): string {
  return dateTime(seconds).replace(' ', 'T');
}

function localSeconds(text: FormDataEntryValue | null): number {
  return new Date(String(text)).getTime() / 1000;
}
