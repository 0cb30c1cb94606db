import type { ComponentChildren } from 'preact';
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import type { TextRange } from '../../api/client';
import { Icon } from '../../components/icon';
import { forgetQueries } from './history';
import { pieces, unitOffset } from './query-text';
import { useTexts } from './texts';
import { type Choice, useCompletions } from './use-completions';

interface Props {
  value: string;
  /** Where the platform stopped understanding this very text. */
  wrong: TextRange | undefined;
  onInput: (value: string) => void;
  onSearch: (value: string) => void;
}

/** The field for the query: its parts in colour, completed while typing, an error marked at its character. */
export function QueryInput({ value, wrong, onInput, onSearch }: Props) {
  const t = useTexts().query;
  const input = useRef<HTMLInputElement>(null);
  const paint = useRef<HTMLDivElement>(null);
  const [caret, setCaret] = useState(0);
  const [asking, setAsking] = useState(false);
  const [chosen, setChosen] = useState(-1);
  const { choices, typing } = useCompletions(value, caret, asking);
  const shown = asking && choices.length > 0;
  const index = Math.min(chosen, choices.length - 1);
  useSearchKey(input);
  // The painted text stands exactly under the typed one, also when the field has scrolled.
  useLayoutEffect(() => {
    if (paint.current && input.current) paint.current.scrollLeft = input.current.scrollLeft;
  });

  const accept = (choice: Choice) => {
    setChosen(-1);
    if (choice.kind === 'recent') {
      setAsking(false);
      onInput(choice.insert);
      onSearch(choice.insert);
      return;
    }
    if (!typing) return;
    const next = value.slice(0, typing.from) + choice.insert + value.slice(typing.to);
    const at = typing.from + choice.insert.length;
    // At once: a letter typed before the next frame belongs behind what was completed.
    if (input.current) input.current.value = next;
    input.current?.setSelectionRange(at, at);
    onInput(next);
    setCaret(at);
    setAsking(choice.kind === 'field');
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.isComposing) return;
    const current = choices[index];
    if (event.key === 'Enter') {
      event.preventDefault();
      if (shown && current) return accept(current);
      setAsking(false);
      onSearch(value);
    } else if (event.key === 'Tab' && shown && !event.shiftKey && value.trim()) {
      const pick = current ?? choices[0];
      event.preventDefault();
      if (pick) accept(pick);
    } else if (event.key === 'ArrowDown' || event.key === 'ArrowUp') {
      event.preventDefault();
      if (!asking) setAsking(true);
      else if (choices.length) setChosen((index + (event.key === 'ArrowDown' ? 1 : choices.length + (index < 0 ? 0 : -1))) % choices.length);
    } else if (event.key === 'Escape') {
      event.stopPropagation();
      if (shown) setAsking(false);
      else input.current?.blur();
    }
  };
  const moved = () => setCaret(input.current?.selectionStart ?? 0);
  return (
    <div class={`query${wrong ? ' query-wrong' : ''}`}>
      <Icon name="search" />
      <div class="query-field">
        <div class="query-paint" ref={paint} aria-hidden="true">
          <Painted text={value} wrong={wrong} />
        </div>
        <input
          ref={input}
          type="text"
          value={value}
          placeholder={t.placeholder}
          aria-label={t.label}
          aria-invalid={wrong !== undefined}
          aria-describedby="query-error"
          role="combobox"
          aria-expanded={shown}
          aria-controls="query-choices"
          aria-activedescendant={shown && index >= 0 ? `query-choice-${index}` : undefined}
          aria-autocomplete="list"
          autocomplete="off"
          autocapitalize="off"
          spellcheck={false}
          data-testid="query"
          onInput={(event) => {
            onInput(event.currentTarget.value);
            setAsking(true);
            setChosen(-1);
            moved();
          }}
          onKeyDown={onKeyDown}
          onKeyUp={moved}
          onClick={() => {
            moved();
            setAsking(true);
          }}
          onBlur={() => setAsking(false)}
          onScroll={() => {
            if (paint.current && input.current) paint.current.scrollLeft = input.current.scrollLeft;
          }}
        />
      </div>
      {value === '' && <kbd aria-hidden="true">/</kbd>}
      {shown && (
        <ul class="popover query-choices" id="query-choices" role="listbox" data-testid="choices">
          {choices[0]?.kind === 'recent' && (
            <li class="choices-head" role="presentation">
              {t.recent}
              <button
                type="button"
                class="link"
                onPointerDown={(event) => {
                  event.preventDefault();
                  forgetQueries();
                  setAsking(false);
                }}
              >
                {t.forget}
              </button>
            </li>
          )}
          {choices.map((choice, at) => (
            <ChoiceItem key={choice.text} choice={choice} id={`query-choice-${at}`} chosen={at === index} note={choice.kind === 'field' ? t.fields[choice.text.slice(0, -1)] : undefined} onPick={() => accept(choice)} />
          ))}
        </ul>
      )}
    </div>
  );
}

function ChoiceItem(props: { choice: Choice; id: string; chosen: boolean; note: string | undefined; onPick: () => void }) {
  const { choice, id, chosen, note, onPick } = props;
  return (
    <li
      id={id}
      role="option"
      aria-selected={chosen}
      class={chosen ? 'chosen' : undefined}
      onPointerDown={(event) => {
        event.preventDefault(); // the field keeps the focus
        onPick();
      }}
    >
      {choice.kind === 'recent' && <Icon name="clock" />}
      <span class="mono">{choice.text}</span>
      {note && <span class="dim">{note}</span>}
    </li>
  );
}

/** The query in colours. Every character keeps its width. */
function Painted({ text, wrong }: { text: string; wrong: TextRange | undefined }) {
  const parts: ComponentChildren[] = [];
  let end = 0;
  for (const { from, to, kind } of pieces(text)) {
    parts.push(text.slice(end, from), <span class={`q-${kind}`}>{text.slice(from, to)}</span>);
    end = to;
  }
  parts.push(text.slice(end));
  if (!wrong) return <>{parts}</>;
  const from = unitOffset(text, wrong.offset);
  const to = Math.max(unitOffset(text, wrong.offset + wrong.length), from);
  return (
    <>
      {text.slice(0, from)}
      <span class="q-wrong">{text.slice(from, to) || ' '}</span>
      {text.slice(to)}
    </>
  );
}

/** `/` goes to this field instead of the one at the top. */
function useSearchKey(input: { current: HTMLInputElement | null }): void {
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      const inField = event.target instanceof HTMLElement && event.target.matches('input, select, textarea');
      if (event.key !== '/' || event.ctrlKey || event.metaKey || event.altKey || inField) return;
      event.preventDefault();
      event.stopPropagation();
      input.current?.select();
    };
    window.addEventListener('keydown', onKey, true);
    return () => window.removeEventListener('keydown', onKey, true);
  }, []);
}
