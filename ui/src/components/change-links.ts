import type { Change } from '../api.gen';
import { addressOf } from '../paths';
import { isPsm } from '../psm';
import { type PageName, pages } from '../pages.gen';

/** Where to see what a change changed as it stands now; undefined when no page shows it. */
export function addressOfSubject({ kind, psm, subject }: Change): string | undefined {
  const name = subject.split('/').slice(1).join('/');
  switch (kind) {
    case 'people':
      return ofPage('admin', {}, { person: name });
    case 'owner':
      return ofPage('psm', {}, { name: psm });
    case 'task':
      return undefined; // it was deleted
    case 'rule':
    case 'rollout':
      return ofService(psm, subject.endsWith('/access') ? ['access', 'governance'] : ['governance']);
    case 'config':
      return ofService(psm, ['config']);
    case 'switch':
    case 'degrade':
      return ofPage('degrade', {}, psm ? { psm } : {}) ?? ofService(psm, ['governance']);
    case 'freeze':
      return undefined;
    default:
      return ofService(psm, []);
  }
}

/** The first of these tabs that the service's page has, else its overview. */
function ofService(psm: string, tabs: string[]): string | undefined {
  if (!isPsm(psm)) return undefined;
  return [...tabs, 'service-overview'].map((name) => ofPage(name, { psm })).find(Boolean);
}

function ofPage(name: string, values: Record<string, string>, query: Record<string, string> = {}): string | undefined {
  return name in pages ? addressOf(name as PageName, values, query) : undefined;
}
