import { useTexts } from './texts';

export function BadLogid({ logid }: { logid: string }) {
  const t = useTexts();
  return (
    <section class="card notice">
      <h1>{t.notFoundTitle}</h1>
      <p class="mono">{logid}</p>
      <p>{t.badLogid}</p>
    </section>
  );
}

export function UnknownChain({ logid, message }: { logid: string; message: string }) {
  const t = useTexts();
  return (
    <section class="card notice" aria-live="polite">
      <h1>{t.notFoundTitle}</h1>
      <p class="mono">{logid}</p>
      <p>{t.notFoundLead}</p>
      <p class="dim">{message}</p>
    </section>
  );
}
