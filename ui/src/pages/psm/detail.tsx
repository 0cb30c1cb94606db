import { useEffect, useRef, useState } from 'preact/hooks';
import { useQuery } from '../../api/query';
import type { PsmDetail, PsmLike } from '../../api.gen';
import { Icon } from '../../components/icon';
import { Trouble } from '../../components/trouble';
import { pathTo } from '../../paths';
import type { UrlState } from '../../urlstate';
import { Claim } from './claim';
import { emptyDetail } from './draft';
import { Facts } from './facts';
import { EditForm } from './form';
import { History } from './history';
import { dropDraft, keptDraft } from './kept';
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
  const [claiming, setClaiming] = useState(false);
  const [, redraw] = useState(0);
  const editing = url.get('edit') === '1';
  const reading = !editing && !claiming;
  const kept = keptDraft(name) !== undefined;
  const panel = useRef<HTMLElement>(null);
  useEffect(() => {
    // Where the panel replaces the list, show its beginning.
    if (panel.current && panel.current.getBoundingClientRect().top < 0) window.scrollTo(0, 0);
  }, []);
  const unknown = query.error?.status === 404 && !changed;
  const detail = changed ?? query.data ?? (unknown ? emptyDetail(name) : undefined);
  const edit = () => url.patch({ edit: '1' });
  const leave = () => {
    setClaiming(false);
    url.patch({ edit: '' });
  };
  const done = (next: PsmDetail) => {
    setChanged(next);
    leave();
    onChanged();
  };
  const discard = () => {
    dropDraft(name);
    redraw((n) => n + 1);
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
        <button type="button" class="tool" title={t.close} aria-label={t.close} onClick={() => url.push({ name: '', edit: '' })}>
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
          {unknown && <LikeOfUnknown name={name} url={url} />}
          {reading && <Typo like={detail.like} lead={t.typoLead} url={url} />}
          {reading && kept && <KeptDraft onEdit={edit} onDiscard={discard} />}
          {reading && (
            <div class="psm-actions">
              {!kept && detail.may_change && (
                <button type="button" class={detail.claimable && !unknown ? 'quiet' : 'button'} onClick={edit}>
                  {unknown ? t.declare : t.edit}
                </button>
              )}
              {detail.claimable && !unknown && (
                <button type="button" class="button" onClick={() => setClaiming(true)}>
                  {t.claim}
                </button>
              )}
              {detail.kind === 'psm' && !unknown && (
                <>
                  <a class="quiet" href={pathTo('service-overview', { psm: name })}>
                    {t.service}
                  </a>
                  <a class="quiet" href={pathTo('logs', {}, { psm: name })}>
                    {t.logs}
                  </a>
                </>
              )}
            </div>
          )}
          {reading && !detail.may_change && !unknown && <p class="psm-notice">{detail.owners.length > 0 ? t.mayNot(detail.owners.join(', ')) : t.mayClaim}</p>}
          {claiming && !editing && <Claim detail={detail} onDone={done} onCancel={leave} />}
          {editing ? (
            <EditForm detail={detail} onDone={done} onLeave={leave} />
          ) : (
            !unknown && <Facts detail={detail} />
          )}
          {!unknown && <History detail={detail} />}
        </>
      )}
    </aside>
  );
}

/** Text that the reader wrote and did not save yet. */
function KeptDraft({ onEdit, onDiscard }: { onEdit: () => void; onDiscard: () => void }) {
  const t = useTexts();
  return (
    <div class="psm-notice psm-notice-mild" role="note" data-testid="psm-kept">
      <strong>{t.form.kept}</strong>
      <p class="psm-buttons">
        <button type="button" class="quiet" onClick={onEdit}>
          {t.form.goOn}
        </button>
        <button type="button" class="quiet" onClick={onDiscard}>
          {t.form.discard}
        </button>
      </p>
    </div>
  );
}

/** A name that nothing is known of may be a known one, written wrong. */
function LikeOfUnknown({ name, url }: { name: string; url: UrlState }) {
  const t = useTexts().detail;
  const like = useQuery<PsmLike>(`/api/psm/${encodeURIComponent(name)}/like`, () => null).data?.like ?? [];
  return <Typo like={like} lead={t.typoLeadUnknown} url={url} />;
}

/** What to do about a name that somebody wrote wrong. */
function Typo({ like, lead, url }: { like: string[]; lead: string; url: UrlState }) {
  const t = useTexts().detail;
  if (like.length === 0) return null;
  return (
    <div class="psm-notice psm-notice-mild" role="note">
      <strong>{t.typoTitle}</strong>{' '}
      {like.map((name) => (
        <button key={name} type="button" class="link mono" onClick={() => url.push({ name, edit: '' })}>
          {name}
        </button>
      ))}
      <p>{lead}</p>
    </div>
  );
}

function callsOf({ seen }: PsmDetail): number {
  return seen ? seen.received + seen.made : 0;
}
