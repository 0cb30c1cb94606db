import { useRef } from 'preact/hooks';
import type { Placed } from '../../rules/problems';
import { useTexts } from './texts';

/** Lines beyond which the text is not coloured: each key would colour all of it anew. */
const COLOURED = 800;

/** The rules as text, with the numbers of the lines and marks at those that are wrong or worth a look. */
export function YamlEditor({ text, problems, onEdit }: { text: string; problems: Placed[]; onEdit: (text: string) => void }) {
  const t = useTexts().editor;
  const layer = useRef<HTMLPreElement>(null);
  const lines = text.split('\n');
  const severity = new Map<number, boolean>();
  for (const { line, severe } of problems) if (line > 0) severity.set(line, severe || (severity.get(line) ?? false));
  const mark = (at: number) => {
    const severe = severity.get(at);
    return severe === undefined ? '' : severe ? ' gov-line-bad' : ' gov-line-mild';
  };
  return (
    <div class="gov-yaml" style={{ '--lines': lines.length }}>
      <pre ref={layer} class="gov-yaml-layer" aria-hidden="true">
        {lines.map((line, at) => (
          <span key={at} class={`gov-line${mark(at + 1)}`}>
            <i>{at + 1}</i>
            {lines.length > COLOURED ? line : coloured(line)}
            {'\n'}
          </span>
        ))}
      </pre>
      <textarea
        aria-label={t.text}
        aria-invalid={problems.some(({ severe }) => severe)}
        data-testid="yaml"
        spellcheck={false}
        autocomplete="off"
        autocapitalize="off"
        wrap="off"
        value={text}
        onInput={(event) => onEdit(event.currentTarget.value)}
        onScroll={(event) => layer.current && (layer.current.style.transform = `translateX(${-event.currentTarget.scrollLeft}px)`)}
        onKeyDown={(event) => {
          // Two spaces, as everywhere in the text; Escape and then Tab leaves the field.
          if (event.key !== 'Tab' || event.shiftKey || event.currentTarget.dataset.leave) return;
          event.preventDefault();
          document.execCommand('insertText', false, '  ');
        }}
        onKeyUp={(event) => {
          if (event.key === 'Escape') event.currentTarget.dataset.leave = 'yes';
        }}
        onBlur={(event) => delete event.currentTarget.dataset.leave}
      />
    </div>
  );
}

function coloured(line: string) {
  const [, lead = '', key = '', colon = '', rest = ''] = /^([\s-]*)([A-Za-z_][\w.]*)?(:)?(.*)$/s.exec(line) ?? [];
  const note = /(^|\s)#.*$/.exec(rest)?.[0] ?? '';
  const value = note ? rest.slice(0, -note.length) : rest;
  if (/^\s*#/.test(line)) return <span class="gov-note">{line}</span>;
  return (
    <>
      {lead}
      {colon ? <span class="gov-key">{key}</span> : key}
      {colon}
      <span class="gov-value">{value}</span>
      <span class="gov-note">{note}</span>
    </>
  );
}
