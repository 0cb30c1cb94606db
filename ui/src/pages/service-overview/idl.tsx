import { useState } from 'preact/hooks';
import { useQuery } from '../../api/query';
import type { ServiceIdl } from '../../api.gen';
import { CopyButton } from '../../components/copy-button';
import { Trouble } from '../../components/trouble';
import { useMessages } from '../../i18n';
import { useTexts } from './texts';

/** The IDL files that the service reported, one at a time. */
export function IdlPanel({ psm, onClose }: { psm: string; onClose: () => void }) {
  const t = useTexts().idl;
  const common = useMessages();
  const [shown, setShown] = useState(0);
  const query = useQuery<ServiceIdl>(`/api/services/${encodeURIComponent(psm)}/idl`, (_, error) => (error ? 5000 : null));
  const files = query.data?.files ?? [];
  const file = files[shown] ?? files[0];
  return (
    <div class="idl" data-testid="idl">
      <Trouble query={query} retrying />
      <div class="idl-head">
        <div class="segments" role="group" aria-label={t.title}>
          {files.map(({ path }, index) => (
            <button key={path} type="button" aria-pressed={files[index] === file} onClick={() => setShown(index)}>
              {index === 0 ? t.main : path}
            </button>
          ))}
        </div>
        {file && <CopyButton text={file.text} />}
        <button type="button" class="quiet" onClick={onClose}>
          {t.close}
        </button>
      </div>
      <pre class="terminal" tabIndex={0}>
        {file ? file.text : common.loading}
      </pre>
    </div>
  );
}
