import { useEffect, useState } from 'preact/hooks';
import { useMessages } from '../i18n';
import { Icon } from './icon';

const CONFIRM_MS = 1500;

export function CopyButton({ text, label: named }: { text: string | (() => string); label?: string }) {
  const t = useMessages();
  const [copied, setCopied] = useState(false);
  useEffect(() => {
    if (!copied) return undefined;
    const timer = setTimeout(() => setCopied(false), CONFIRM_MS);
    return () => clearTimeout(timer);
  }, [copied]);
  const label = copied ? t.copied : named ?? t.copy;
  return (
    <button type="button" class="copy" title={label} onClick={() => void copy(typeof text === 'string' ? text : text()).then(setCopied)}>
      <Icon name={copied ? 'check' : 'copy'} />
      <span aria-live="polite">{label}</span>
    </button>
  );
}

/** Browsers give pages on plain HTTP no clipboard; there the selection command still works. */
async function copy(text: string): Promise<boolean> {
  if (window.isSecureContext) {
    return navigator.clipboard.writeText(text).then(
      () => true,
      () => false,
    );
  }
  const field = document.createElement('textarea');
  field.value = text;
  field.className = 'offscreen';
  document.body.append(field);
  field.select();
  const done = document.execCommand('copy');
  field.remove();
  return done;
}
