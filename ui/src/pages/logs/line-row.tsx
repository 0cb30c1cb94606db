import { Highlighted } from './highlighted';
import { clientFacts, headline, sourceText, whenText } from './line-text';
import { memo } from './memo';
import { useTexts } from './texts';
import type { Line } from '../../api.gen';

export interface RowLook {
  /** Columns of client logs instead of the service's. */
  client: boolean;
  /** The day is shown too. */
  dated: boolean;
  pattern: RegExp | null;
}

interface Props extends RowLook {
  line: Line;
  open: boolean;
  active: boolean;
  onToggle: (id: string) => void;
}

/** One line of a log, in one line. */
export const LineRow = memo(function LineRow({ line, open, active, client, dated, pattern, onToggle }: Props) {
  const t = useTexts();
  return (
    <div
      class={`lr level-${line.level.toLowerCase()}${active ? ' active' : ''}${open ? ' open' : ''}`}
      role="button"
      tabIndex={active ? 0 : -1}
      aria-expanded={open}
      data-testid="log-row"
      data-id={line.id}
      onClick={() => {
        // Marking a piece of text is not a wish to open the line.
        if (window.getSelection()?.isCollapsed !== false) onToggle(line.id);
      }}
    >
      <time>{whenText(line.ts, dated)}</time>
      <span class="log-level">{line.level}</span>
      {client ? <ClientCells line={line} /> : <span class="lr-psm">{line.psm}</span>}
      <span class="lr-message">
        {line.stack && <i class="lr-stack">{t.stack.mark}</i>}
        <Highlighted text={open ? line.message.trimEnd() || headline(line) : headline(line)} pattern={pattern} />
      </span>
      {!client && <span class="lr-source">{sourceText(line)}</span>}
    </div>
  );
});

function ClientCells({ line }: { line: Line }) {
  const { device, user, app } = clientFacts(line);
  return (
    <>
      <span class="lr-client" title={device}>{device}</span>
      <span class="lr-client" title={user}>{user}</span>
      <span class="lr-client" title={app}>{app}</span>
    </>
  );
}
