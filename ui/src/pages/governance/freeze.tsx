import { useState } from 'preact/hooks';
import { mayAll, sendJson } from '../../api/client';
import type { RuleFreeze } from '../../api.gen';
import { useAgo } from '../../components/ago';
import { ConfirmDialog } from '../../components/dialog';
import { Icon } from '../../components/icon';
import { useStore } from '../../store';
import { useTexts } from './texts';

/** Stops publishing in the whole fleet, for whoever is on call. */
export function FreezeButton({ onChanged }: { onChanged: () => void }) {
  const t = useTexts().freeze;
  const [asked, setAsked] = useState(false);
  const [reason, setReason] = useState('');
  if (!useStore(mayAll)) return null;
  return (
    <>
      <button type="button" class="link" onClick={() => setAsked(true)}>
        {t.act}
      </button>
      {asked && (
        <ConfirmDialog
          title={t.title}
          action={t.go}
          disabled={!reason.trim()}
          onClose={() => setAsked(false)}
          onAct={async () => {
            await sendJson('POST', '/api/rules/freeze', { reason });
            onChanged();
          }}
        >
          <p>{t.lead}</p>
          <label>
            {t.reason}
            <input class="text-input" maxLength={500} value={reason} onInput={(event) => setReason(event.currentTarget.value)} />
          </label>
        </ConfirmDialog>
      )}
    </>
  );
}

export function FreezeBanner({ frozen, onChanged }: { frozen: RuleFreeze; onChanged: () => void }) {
  const t = useTexts().freeze;
  const [asked, setAsked] = useState(false);
  const admin = useStore(mayAll);
  return (
    <p class="banner gov-frozen" role="status">
      <Icon name="snow" />
      <span>
        <strong>{t.banner(frozen.by, useAgo(frozen.at * 1000))}</strong> {frozen.reason}
      </span>
      {admin && (
        <button type="button" class="link" onClick={() => setAsked(true)}>
          {t.thaw}
        </button>
      )}
      {asked && (
        <ConfirmDialog
          title={t.thawTitle}
          action={t.thawGo}
          onClose={() => setAsked(false)}
          onAct={async () => {
            await sendJson('DELETE', '/api/rules/freeze');
            onChanged();
          }}
        >
          <p>{t.thawLead}</p>
        </ConfirmDialog>
      )}
    </p>
  );
}
