import { useEffect, useRef } from 'preact/hooks';
import { Icon } from '../../components/icon';
import { pathTo } from '../../paths';
import { GrammarTable, KeyTable } from './grammar';
import { useTexts } from './texts';

/** The grammar at hand, over the page. */
export function HelpDialog({ onClose }: { onClose: () => void }) {
  const t = useTexts();
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
          <a href={pathTo('logs', { rest: 'manual' })}>{t.help.more}</a>
        </p>
      </div>
    </dialog>
  );
}
