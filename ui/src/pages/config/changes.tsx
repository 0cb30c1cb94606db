import type { ConfigChange, ConfigOverride } from '../../api.gen';
import { conditions } from './overrides';
import { useTexts } from './texts';
import { Value } from './value';

/** What differs, value by value. */
export function Changes({ changes }: { changes: ConfigChange[] }) {
  const t = useTexts();
  if (changes.length === 0) return <p class="config-none">{t.diff.nothing}</p>;
  return (
    <ul class="config-changes" data-testid="config-changes">
      {changes.map((each) => (
        <li key={`${each.override} ${each.key}`}>
          <span class={`config-tag config-${each.action}`}>{t.diff[each.action]}</span> <span class="mono">{each.key}</span>
          {each.override && <small> {t.diff.for(each.override)}</small>}{' '}
          {each.action === 'conditions' ? (
            <span>
              {each.before ? <del>{conditions(each.before as ConfigOverride, t.overrides)}</del> : ''} {each.after ? <ins>{conditions(each.after as ConfigOverride, t.overrides)}</ins> : ''}
            </span>
          ) : (
            <>
              {each.action !== 'added' && <Value value={each.before} kind="old" />} {each.action !== 'removed' && <Value value={each.after} kind="new" />}
            </>
          )}
        </li>
      ))}
    </ul>
  );
}
