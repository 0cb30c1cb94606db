import { useMessages } from '../i18n';
import { CopyButton } from './copy-button';

const FIRST_SERVICE = ['pietool --type flask --psm demo.my.api --prefix my/api', 'python app/my/api/bootstrap.py'];

export function EmptyFleet() {
  const t = useMessages();
  return (
    <div class="empty">
      <h2>{t.emptyFleet.title}</h2>
      <p>{t.emptyFleet.lead}</p>
      <div class="snippet">
        <pre class="terminal">
          {FIRST_SERVICE.map((line) => (
            <span key={line}>
              <span class="prompt">$</span> {line}
              {'\n'}
            </span>
          ))}
        </pre>
        <CopyButton text={FIRST_SERVICE.join('\n')} />
      </div>
    </div>
  );
}
