import type { ComponentChildren } from 'preact';
import { useEffect, useId, useRef, useState } from 'preact/hooks';
import { ApiError } from '../api/client';
import { useMessages } from '../i18n';

interface Props {
  title: string;
  /** What the button that acts says. */
  action: string;
  /** Acts; what it throws is shown, and the dialog stays. */
  onAct: () => Promise<void>;
  onClose: () => void;
  disabled?: boolean;
  children: ComponentChildren;
}

/** Asks before something is done that others will see; the browser keeps the focus inside. */
export function ConfirmDialog({ title, action, onAct, onClose, disabled, children }: Props) {
  const t = useMessages();
  const id = useId();
  const dialog = useRef<HTMLDialogElement>(null);
  const [busy, setBusy] = useState(false);
  const [trouble, setTrouble] = useState('');
  useEffect(() => dialog.current?.showModal(), []);
  const act = async (event: SubmitEvent) => {
    event.preventDefault();
    setBusy(true);
    try {
      await onAct();
      dialog.current?.close();
    } catch (error) {
      setTrouble(error instanceof ApiError && error.message ? error.message : t.trouble.away);
      setBusy(false);
    }
  };
  return (
    <dialog ref={dialog} class="asking" aria-labelledby={id} onClose={onClose} onClick={(event) => event.target === event.currentTarget && dialog.current?.close()}>
      <form onSubmit={(event) => void act(event)}>
        <h2 id={id}>{title}</h2>
        {children}
        <p class="asking-trouble" role="alert">
          {trouble}
        </p>
        <footer>
          <button type="button" class="quiet" onClick={() => dialog.current?.close()}>
            {t.cancel}
          </button>
          <button type="submit" class="button" disabled={busy || disabled}>
            {action}
          </button>
        </footer>
      </form>
    </dialog>
  );
}
