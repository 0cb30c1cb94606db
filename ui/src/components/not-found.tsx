import { useLocation } from 'preact-iso/router';
import { useMessages } from '../i18n';
import { pathTo } from '../paths';
import { useTitle } from '../title';

export function NotFoundPage() {
  const t = useMessages();
  const { path } = useLocation();
  useTitle(t.notFound.title);
  return (
    <section class="card notice">
      <h1>{t.notFound.title}</h1>
      <p>{t.notFound.lead(path)}</p>
      <p>
        <a class="button" href={pathTo('services')}>
          {t.notFound.services}
        </a>
      </p>
    </section>
  );
}
