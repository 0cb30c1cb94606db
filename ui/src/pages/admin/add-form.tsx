import { useEffect, useRef } from 'preact/hooks';
import { sendJson } from '../../api/client';
import type { PersonPost, PersonRow } from '../../api.gen';
import { useAct } from './act';
import { useTexts } from './texts';

/** Adds a person; their first token is made in what opens then. */
export function AddForm({ onDone, onCancel }: { onDone: (name: string) => void; onCancel: () => void }) {
  const t = useTexts().form;
  const { busy, refusal, act } = useAct();
  const first = useRef<HTMLInputElement>(null);
  useEffect(() => first.current?.focus(), []);
  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    const data = new FormData(event.currentTarget as HTMLFormElement);
    const body: PersonPost = { name: String(data.get('name')), admin: data.get('admin') !== null, reason: String(data.get('reason')) };
    act(
      () => sendJson<PersonRow>('POST', '/api/people', body),
      (person) => onDone(person.name),
    );
  };
  return (
    <form class="people-form" aria-label={t.title} data-testid="add-form" onSubmit={submit} onKeyDown={(event) => event.key === 'Escape' && onCancel()}>
      <label>
        <span>{t.name}</span>
        <input ref={first} name="name" required maxLength={64} autocomplete="off" spellcheck={false} aria-describedby="add-name-hint" aria-invalid={refusal !== ''} />
        <small id="add-name-hint">{t.nameHint}</small>
      </label>
      <label>
        <span>{t.reason}</span>
        <input name="reason" maxLength={2000} autocomplete="off" />
        <small>{t.reasonHint}</small>
      </label>
      <label class="people-check">
        <input type="checkbox" name="admin" />
        {t.admin}
      </label>
      {refusal && (
        <p class="bad-text" role="alert">
          {refusal}
        </p>
      )}
      <div class="people-buttons">
        <button type="submit" class="button" disabled={busy}>
          {t.create}
        </button>
        <button type="button" class="quiet" onClick={onCancel}>
          {t.cancel}
        </button>
      </div>
    </form>
  );
}
