import { useMessages } from '../i18n';

export function OutdatedPage() {
  const t = useMessages();
  return (
    <section class="card notice" role="alert">
      <h1>{t.outdated.title}</h1>
      <p>{t.outdated.lead}</p>
      <p>
        <button type="button" class="button" onClick={() => location.reload()}>
          {t.outdated.reload}
        </button>
      </p>
    </section>
  );
}
