import { useMessages } from '../../i18n';

export function BadLogid({ logid }: { logid: string }) {
  const t = useMessages();
  return (
    <section class="card notice">
      <h1>{t.chain.notFoundTitle}</h1>
      <p class="mono">{logid}</p>
      <p>{t.chain.badLogid}</p>
    </section>
  );
}

export function UnknownChain({ logid, message }: { logid: string; message: string }) {
  const t = useMessages();
  return (
    <section class="card notice" aria-live="polite">
      <h1>{t.chain.notFoundTitle}</h1>
      <p class="mono">{logid}</p>
      <p>{t.chain.notFoundLead}</p>
      <p class="dim">{message}</p>
    </section>
  );
}
