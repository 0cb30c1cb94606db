import { useQuery } from '../../api/query';
import { Icon } from '../../components/icon';
import { Trouble } from '../../components/trouble';
import { LineDetail, type LineActions } from './line-detail';
import { LineRow } from './line-row';
import { useTexts } from './texts';
import type { Context } from '../../api.gen';

interface Props {
  id: string;
  client: boolean;
  pattern: RegExp | null;
  actions: LineActions;
  onClose: () => void;
}

/** The line of the address that is not among the lines shown. */
export function LinkedLine({ id, client, pattern, actions, onClose }: Props) {
  const t = useTexts();
  const query = useQuery<Context>(`/api/logs/context?id=${encodeURIComponent(id)}&before=0&after=0`, () => null);
  const line = query.data?.lines.find((each) => each.id === id);
  return (
    <div class="linked-line" data-testid="linked-line">
      <header>
        <h3>{t.results.linked}</h3>
        <button type="button" class="tool" title={t.help.close} aria-label={t.help.close} onClick={onClose}>
          <Icon name="close" />
        </button>
      </header>
      <Trouble query={query} retrying={false} />
      {line && (
        <div class={`lines lines-dated${client ? ' lines-client' : ''}`}>
          <LineRow line={line} open active={false} client={client} dated pattern={pattern} onToggle={onClose} />
          <LineDetail line={line} pattern={pattern} actions={actions} />
        </div>
      )}
      {query.data && !line && <p class="dim">{t.results.linkedGone}</p>}
    </div>
  );
}
