import type { PsmRow } from '../../api.gen';
import { stateOf } from './rows';

const COLUMNS = ['psm', 'product', 'subsystem', 'state', 'owners', 'owners_from', 'tier', 'on_call', 'calls', 'last_seen', 'like', 'description'];

/** The PSMs as CSV (RFC 4180), one line each. */
export function csvOf(psms: PsmRow[]): string {
  const lines = psms.map((psm) => {
    const [product = '', subsystem = ''] = psm.psm.split('.');
    const seen = psm.last_seen ? new Date(psm.last_seen * 1000).toISOString() : '';
    const own = [psm.psm, product, subsystem, stateOf(psm), psm.owners.join('; '), psm.owners_from, psm.tier ?? ''];
    return [...own, psm.on_call, psm.calls, seen, psm.like.join('; '), psm.description].map(cell).join(',');
  });
  return [COLUMNS.join(','), ...lines, ''].join('\r\n');
}

export function download(name: string, text: string): void {
  const link = document.createElement('a');
  // The mark tells spreadsheets that this is UTF-8.
  link.href = URL.createObjectURL(new Blob(['\ufeff', text], { type: 'text/csv' }));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}

/** A text that a spreadsheet would take for a formula is given a quote before it. */
function cell(value: string | number): string {
  const text = typeof value === 'string' && /^[=+\-@\t\r]/.test(value) ? `'${value}` : String(value);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
