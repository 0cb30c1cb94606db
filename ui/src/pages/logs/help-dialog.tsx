import { useEffect, useRef } from 'preact/hooks';
import { Icon } from '../../components/icon';
import { useMessages } from '../../i18n';
import { GrammarTable, KeyTable } from './grammar';

/** The grammar at hand, over the page. */
export function HelpDialog({ onClose }: { onClose: () => void }) {
  const t = useMessages().logs;
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => dialog.current?.showModal(), []);
  return (
    <dialog
      ref={dialog}
      class="help"
      aria-label={t.help.title}
      onClose={onClose}
      onClick={(event) => event.target === event.currentTarget && dialog.current?.close()}
    >
      <div class="help-body">
        <header class="card-head">
          <h2>{t.help.title}</h2>
          <button type="button" class="tool" aria-label={t.help.close} title={t.help.close} onClick={() => dialog.current?.close()}>
            <Icon name="close" />
          </button>
        </header>
        <GrammarTable onRun={() => dialog.current?.close()} />
        <h3>{t.manual.keys}</h3>
        <KeyTable />
        <p class="help-more">
          <a href="/logs/manual">{t.help.more}</a>
        </p>
      </div>
    </dialog>
  );
}
