import { useRef, useState } from 'preact/hooks';
import { useDismiss } from '../../components/use-dismiss';
import { useAct } from './act';
import { useTexts } from './texts';

interface Props {
  label: string;
  confirm: string;
  /** What will happen. */
  question: string;
  danger?: boolean;
  work: (reason: string) => Promise<unknown>;
  onDone: () => void;
}

/** A button that says first what it will do, and asks why. */
export function Ask({ label, confirm, question, danger, work, onDone }: Props) {
  const t = useTexts().form;
  const [open, setOpen] = useState(false);
  const { busy, refusal, act } = useAct();
  const holder = useRef<HTMLDivElement>(null);
  const close = () => setOpen(false);
  useDismiss(holder, open, close);
  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    const reason = String(new FormData(event.currentTarget as HTMLFormElement).get('reason'));
    act(
      () => work(reason),
      () => {
        close();
        onDone();
      },
    );
  };
  return (
    <div class="ask" ref={holder}>
      <button type="button" class="quiet" aria-expanded={open} onClick={() => setOpen(!open)}>
        {label}
      </button>
      {open && (
        <form class="ask-form" aria-label={confirm} onSubmit={submit}>
          <p>{question}</p>
          <label>
            <span>{t.reason}</span>
            <input name="reason" maxLength={2000} autocomplete="off" ref={focused} />
            <small>{t.reasonHint}</small>
          </label>
          {refusal && (
            <p class="bad-text" role="alert">
              {refusal}
            </p>
          )}
          <div class="people-buttons">
            <button type="submit" class={`button${danger ? ' ask-danger' : ''}`} disabled={busy}>
              {confirm}
            </button>
            <button type="button" class="quiet" onClick={close}>
              {t.cancel}
            </button>
          </div>
        </form>
      )}
    </div>
  );
}

function focused(field: HTMLInputElement | null): void {
  field?.focus();
}
