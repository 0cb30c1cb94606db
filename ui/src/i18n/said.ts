import { language } from '../preferences';
import { FAILURES_ZH } from './failures.zh';

/** What the platform said, in the reader's language where there are words for its reason. */
export function said(message: string, reason: string, parts: Record<string, string>): string {
  return (language.get() === 'zh' && FAILURES_ZH[reason]?.(parts)) || message;
}
