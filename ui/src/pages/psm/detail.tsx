import { useEffect, useRef, useState } from 'preact/hooks';
import { useQuery } from '../../api/query';
import type { PsmDetail } from '../../api.gen';
import { Icon } from '../../components/icon';
import { chosen } from '../../components/service-view';
import { Trouble } from '../../components/trouble';
import { pathTo } from '../../paths';
import type { UrlState } from '../../urlstate';
import { Claim } from './claim';
import { emptyDetail } from './draft';
import { Facts } from './facts';
import { EditForm } from './form';
import { History } from './history';
import { stateOf } from './rows';
import { StateMark } from './state';
import { useTexts } from './texts';

interface Props {
  name: string;
  url: UrlState;
  /** Something was declared: the tree is out of date. */
  onChanged: () => void;
}

/** Everything known of one name, beside the tree; on a small screen instead of it. */
export function Detail({ name, url, onChanged }: Props) {
  const t = useTexts().detail;
  const query = useQuery<PsmDetail>(`/api/psm/${encodeURIComponent(name)}`, () => null);
  const [changed, setChanged] = useState<PsmDetail>();
  const [mode, setMode] = useState<'read' | 'edit' | 'claim'>('read');
  const panel = useRef<HTMLElement>(null);
  useEffect(() => {
    // Where the panel replaces the list, show its beginning.
    if (panel.current && panel.current.getBoundingClientRect().top < 0) window.scrollTo(0, 0);
  }, []);
  const unknown = query.error?.status === 404 && !changed;
  const detail = changed ?? query.data ?? (unknown ? emptyDetail(name) : undefined);
  const done = (next: PsmDetail) => {
    setChanged(next);
    setMode('read');
    onChanged();
  };
  return (
    <aside class="card psm-detail" aria-label={t.label(name)} ref={panel} data-testid="psm-detail">
      <header class="psm-detail-head">
        <div class="psm-detail-name">
          <h2>{name}</h2>
          {detail && <small>{t.kinds[detail.kind]}</small>}
          {detail?.mine && <span class="badge badge-on">{t.yours}</span>}
          {detail?.kind === 'psm' && !unknown && <StateMark word state={stateOf({ state: detail.registered.state, calls: callsOf(detail) })} />}
        </div>
        <button type="button" class="tool" title={t.close} aria-label={t.close} onClick={() => url.patch({ name: '' })}>
          <Icon name="close" />
        </button>
      </header>
      {!unknown && !changed && (
        <div class="psm-pad">
          <Trouble query={query} retrying={false} />
        </div>
      )}
      {!detail && !query.error && (
        <div class="psm-waiting placeholder" aria-hidden="true">
          {Array.from({ length: 6 }, (_, row) => (
            <i key={row} />
          ))}
        </div>
      )}
      {detail && (
        <>
          {unknown && (
            <div class="psm-notice">
              <strong>{t.unknown(name)}</strong> {t.unknownLead}
            </div>
          )}
          {detail.like.length > 0 && mode === 'read' && <Typo detail={detail} url={url} />}
          {mode === 'read' && (
            <div class="psm-actions">
              <button type="button" class={detail.claimable && !unknown ? 'quiet' : 'button'} onClick={() => setMode('edit')}>
                {t.edit}
              </button>
              {detail.claimable && !unknown && (
                <button type="button" class="button" onClick={() => setMode('claim')}>
                  {t.claim}
                </button>
              )}
              {detail.kind === 'psm' && !unknown && (
                <>
                  <a class="quiet" href={pathTo('service-overview', { psm: name }, chosen(url))}>
                    {t.service}
                  </a>
                  <a class="quiet" href={pathTo('logs', {}, { psm: name, cluster: url.get('cluster') })}>
                    {t.logs}
                  </a>
                </>
              )}
            </div>
          )}
          {mode === 'claim' && <Claim detail={detail} onDone={done} onCancel={() => setMode('read')} />}
          {mode === 'edit' ? (
            <EditForm detail={detail} onDone={done} onCancel={() => setMode('read')} />
          ) : (
            !unknown && <Facts detail={detail} />
          )}
          {!unknown && <History detail={detail} />}
        </>
      )}
    </aside>
  );
}

/** What to do about a name that somebody wrote wrong. */
function Typo({ detail, url }: { detail: PsmDetail; url: UrlState }) {
  const t = useTexts().detail;
  return (
    <div class="psm-notice psm-notice-mild" role="note">
      <strong>{t.typoTitle}</strong>{' '}
      {detail.like.map((name) => (
        <button key={name} type="button" class="link mono" onClick={() => url.patch({ name })}>
          {name}
        </button>
      ))}
      <p>{t.typoLead}</p>
    </div>
  );
}

function callsOf({ seen }: PsmDetail): number {
  return seen ? seen.received + seen.made : 0;
}
