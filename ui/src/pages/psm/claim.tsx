import { useState } from 'preact/hooks';
import { ApiError, sendJson } from '../../api/client';
import type { PsmDetail } from '../../api.gen';
import { useTexts } from './texts';

/** Asks before it acts, and says what others will see. */
export function Claim({ detail, onDone, onCancel }: { detail: PsmDetail; onDone: (next: PsmDetail) => void; onCancel: () => void }) {
  const t = useTexts();
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState('');
  const claim = () => {
    setBusy(true);
    sendJson<PsmDetail>('POST', `/api/psm/${encodeURIComponent(detail.name)}/claim`).then(onDone, (reason: unknown) => {
      setBusy(false);
      setError((reason instanceof ApiError && reason.message) || t.form.failed);
    });
  };
  return (
    <div class="psm-notice" role="group" aria-label={t.detail.claim}>
      <p>
        <strong>{t.detail.claimAsk(detail.name)}</strong>
      </p>
      {detail.seen && <p>{t.detail.claimEvidence}</p>}
      {error && (
        <p class="bad-text" role="alert">
          {error}
        </p>
      )}
      <div class="psm-buttons">
        <button type="button" class="button" disabled={busy} onClick={claim} ref={focusOnce} data-testid="psm-claim">
          {t.detail.claimYes}
        </button>
        <button type="button" class="quiet" onClick={onCancel}>
          {t.form.cancel}
        </button>
      </div>
    </div>
  );
}

function focusOnce(button: HTMLButtonElement | null): void {
  if (button && !button.disabled) button.focus();
}
