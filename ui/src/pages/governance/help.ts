import { language } from '../../preferences';
import { useStore } from '../../store';
import { HELP_ZH } from './help.zh';

/** What a kind of rules, or one of its fields, means, in the reader's language; `text` is what the platform says. */
export function useHelp(): (kind: string, field: string, text: string) => string {
  const spoken = useStore(language);
  return (kind, field, text) => (spoken === 'zh' ? (HELP_ZH[field ? `${kind}.${field}` : kind] ?? HELP_ZH[field] ?? text) : text);
}
