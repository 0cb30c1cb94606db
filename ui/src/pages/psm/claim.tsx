import { useState } from 'preact/hooks';
import { ApiError, sendJson } from '../../api/client';
import type { ClaimPost, PsmDetail } from '../../api.gen';
import { useTexts } from './texts';

/** Characters, as the platform bounds it. */
const MAX_REASON = 500;

/** Asks before it acts, and says what others will see. */
export function Claim({ detail, onDone, onCancel }: { detail: PsmDetail; onDone: (next: PsmDetail) => void; onCancel: () => void }) {
  const t = useTexts();
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState('');
  const [reason, setReason] = useState('');
  const claim = () => {
    setBusy(true);
    const body: ClaimPost = { reason };
    sendJson<PsmDetail>('POST', `/api/psm/${encodeURIComponent(detail.name)}/claim`, body).then(onDone, (failure: unknown) => {
      setBusy(false);
      setError((failure instanceof ApiError && failure.message) || t.form.failed);
    });
  };
  return (
    <form
      class="psm-notice"
      aria-label={t.detail.claim}
      onSubmit={(event) => {
        event.preventDefault();
        claim();
      }}
    >
      <p>
        <strong>{t.detail.claimAsk(detail.name)}</strong>
      </p>
      {detail.seen && <p>{t.detail.claimEvidence}</p>}
      <div class="psm-field">
        <label for="psm-reason">{t.detail.claimReason}</label>
        <input id="psm-reason" value={reason} maxLength={MAX_REASON} autocomplete="off" ref={focusOnce} onInput={(event) => setReason(event.currentTarget.value)} />
      </div>
      {error && (
        <p class="bad-text" role="alert">
          {error}
        </p>
      )}
      <div class="psm-buttons">
        <button type="submit" class="button" disabled={busy} data-testid="psm-claim">
          {t.detail.claimYes}
        </button>
        <button type="button" class="quiet" onClick={onCancel}>
          {t.form.cancel}
        </button>
      </div>
    </form>
  );
}

function focusOnce(field: HTMLInputElement | null): void {
  field?.focus();
}
