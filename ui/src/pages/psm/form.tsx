import type { ComponentChildren } from 'preact';
import { useRef, useState } from 'preact/hooks';
import { ApiError, getJson, sendJson } from '../../api/client';
import type { DeclarationPut, PsmDetail } from '../../api.gen';
import { Conflict } from './conflict';
import { type Draft, declarationOf, differing, draftOf, faultOf, type Field, FIELDS, GROUP_FIELDS } from './draft';
import { labelOf } from './history';
import { dropDraft, keepDraft, type Kept, keptDraft } from './kept';
import { useTexts } from './texts';

interface Props {
  detail: PsmDetail;
  /** Saved, or given up for what somebody else saved. */
  onDone: (next: PsmDetail) => void;
  /** Leave the form; the draft is kept unless it was dropped. */
  onLeave: () => void;
}

interface Refusal {
  field?: Field;
  reason: string;
}

/**
 * Changes what is declared of a name. What somebody else changed meanwhile is shown, never overwritten
 * unseen; what the person wrote is kept until it is saved or discarded.
 */
export function EditForm({ detail, onDone, onLeave }: Props) {
  const t = useTexts();
  const path = `/api/psm/${encodeURIComponent(detail.name)}`;
  const [{ version, draft }, setKept] = useState<Kept>(() => keptDraft(detail.name) ?? { version: detail.version, draft: draftOf(detail.declared) });
  const [refusal, setRefusal] = useState<Refusal>();
  const [conflict, setConflict] = useState<{ message: string; theirs: PsmDetail }>();
  const [busy, setBusy] = useState(false);
  const [reason, setReason] = useState('');
  const form = useRef<HTMLFormElement>(null);
  const fields = detail.kind === 'psm' ? FIELDS : GROUP_FIELDS;

  const changed = differing(draft, draftOf(detail.declared)).length > 0;

  const write = (next: Draft) => {
    setKept({ version, draft: next });
    if (differing(next, draftOf(detail.declared)).length > 0) keepDraft(detail.name, { version, draft: next });
    else dropDraft(detail.name);
  };
  const finish = (next: PsmDetail) => {
    dropDraft(detail.name);
    onDone(next);
  };
  const refuse = (error: unknown) => {
    const message = (error instanceof ApiError && error.message) || t.form.failed;
    const fault = faultOf(message);
    setRefusal(fault ?? { reason: message });
    if (fault) form.current?.querySelector<HTMLElement>(`[name=${fault.field}]`)?.focus();
  };
  const save = async (replaced: number) => {
    setBusy(true);
    setRefusal(undefined);
    const body: DeclarationPut = { version: replaced, ...declarationOf(draft), reason };
    try {
      finish(await sendJson<PsmDetail>('PUT', path, body));
    } catch (error) {
      setBusy(false);
      if (!(error instanceof ApiError) || error.status !== 409) return refuse(error);
      await getJson<PsmDetail>(path).then((theirs) => setConflict({ message: error.message, theirs }), refuse);
    }
  };
  const input = (field: Field) => ({
    id: `psm-${field}`,
    name: field,
    value: draft[field],
    'aria-invalid': refusal?.field === field,
    'aria-describedby': `psm-${field}-hint`,
    spellcheck: false,
    onInput: (event: { currentTarget: { value: string } }) => write({ ...draft, [field]: event.currentTarget.value }),
  });
  const row = (field: Field, hint: string, control: ComponentChildren) =>
    fields.includes(field) && (
      <div class={`psm-field${refusal?.field === field ? ' psm-wrong' : ''}`} key={field}>
        <label for={`psm-${field}`}>{labelOf(field, t.detail)}</label>
        {control}
        <small id={`psm-${field}-hint`} role={refusal?.field === field ? 'alert' : undefined}>
          {refusal?.field === field ? refusal.reason : hint}
        </small>
      </div>
    );

  return (
    <form
      ref={form}
      class="psm-form"
      aria-label={t.form.title(detail.name)}
      data-testid="psm-form"
      onSubmit={(event) => {
        event.preventDefault();
        void save(conflict?.theirs.version ?? version);
      }}
      onKeyDown={(event) => event.key === 'Escape' && onLeave()}
    >
      {conflict && (
        <Conflict
          message={conflict.message}
          theirs={draftOf(conflict.theirs.declared)}
          mine={draft}
          onTheirs={() => finish(conflict.theirs)}
        />
      )}
      {row('owners', t.form.ownersHint, <input {...input('owners')} autocomplete="off" ref={focusFirst} />)}
      {row('description', '', <textarea {...input('description')} rows={3} />)}
      {row(
        'tier',
        '',
        <select {...input('tier')}>
          <option value="">{t.detail.noTier}</option>
          {t.detail.tiers.map((text, tier) => (
            <option key={tier} value={String(tier)}>
              {text}
            </option>
          ))}
        </select>,
      )}
      {row('on_call', t.form.onCallHint, <input {...input('on_call')} autocomplete="off" />)}
      {row('docs', t.form.linkHint, <input {...input('docs')} inputMode="url" autocomplete="off" />)}
      {row('repository', t.form.linkHint, <input {...input('repository')} inputMode="url" autocomplete="off" />)}
      <div class="psm-field">
        <label for="psm-reason">{t.form.reason}</label>
        <input id="psm-reason" value={reason} maxLength={500} autocomplete="off" onInput={(event) => setReason(event.currentTarget.value)} />
      </div>
      {refusal && !refusal.field && (
        <p class="bad-text" role="alert">
          {refusal.reason}
        </p>
      )}
      <div class="psm-buttons">
        <button type="submit" class="button" disabled={busy} data-testid="psm-save">
          {conflict ? t.form.saveMine : t.form.save}
        </button>
        <button
          type="button"
          class="quiet"
          onClick={() => {
            dropDraft(detail.name);
            onLeave();
          }}
        >
          {changed ? t.form.discard : t.form.cancel}
        </button>
        <small>{t.form.visible}</small>
      </div>
    </form>
  );
}

let focused: HTMLElement | null = null;

/** Puts the cursor into the first field when the form opens, and not again when it is drawn anew. */
function focusFirst(field: HTMLInputElement | null): void {
  if (field && field !== focused) field.focus();
  focused = field;
}
