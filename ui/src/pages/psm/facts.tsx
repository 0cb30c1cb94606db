import type { ComponentChildren } from 'preact';
import type { PsmDetail } from '../../api.gen';
import { ServiceLink } from '../../components/service-link';
import { count, dateTime } from '../../format';
import { useMessages } from '../../i18n';
import { useTexts } from './texts';

/** What is declared of a name, then what the registry and the calls show of it. */
export function Facts({ detail }: { detail: PsmDetail }) {
  const t = useTexts();
  const { declared, kind } = detail;
  return (
    <>
      <dl class="psm-facts">
        <Fact name={t.detail.owners}>
          {detail.owners.length > 0 ? detail.owners.join(', ') : <span class="mild-text">{t.noOwner}</span>} <small>{kind === 'product' && detail.owners_from === 'none' ? t.noneOfProduct : t.fromHint[detail.owners_from]}</small>
        </Fact>
        <Fact name={t.detail.description}>{declared.description}</Fact>
        {kind === 'psm' && (
          <>
            <Fact name={t.detail.tier}>{declared.tier === null ? '' : (t.detail.tiers[declared.tier] ?? String(declared.tier))}</Fact>
            <Fact name={t.detail.onCall}>
              <Linked text={declared.on_call} />
            </Fact>
            <Fact name={t.detail.docs}>
              <Linked text={declared.docs} />
            </Fact>
            <Fact name={t.detail.repository}>
              <Linked text={declared.repository} />
            </Fact>
          </>
        )}
      </dl>
      {kind === 'psm' && <Registered detail={detail} />}
      {kind === 'psm' && <Seen detail={detail} />}
    </>
  );
}

function Registered({ detail: { registered } }: { detail: PsmDetail }) {
  const t = useTexts().detail;
  if (registered.state === 'never') return <p class="psm-section dim">{t.notRegistered}</p>;
  return (
    <dl class="psm-facts psm-section">
      <Fact name={t.runtime}>{[registered.language, registered.framework].filter(Boolean).join(' · ')}</Fact>
      <Fact name={t.instances}>{count(registered.instances)}</Fact>
      <Fact name={t.clusters}>{registered.clusters.join(', ')}</Fact>
    </dl>
  );
}

function Seen({ detail: { seen, seen_days, seen_known } }: { detail: PsmDetail }) {
  const texts = useTexts();
  const t = texts.detail;
  return (
    <section class="psm-section" aria-labelledby="psm-calls">
      <h3 id="psm-calls">{t.seenIn(seen_days)}</h3>
      {!seen_known && <p class="mild-text">{texts.seenUnknown}</p>}
      {seen_known && !seen && <p class="dim">{t.notSeen}</p>}
      {seen && (
        <dl class="psm-facts">
          <Fact name={t.received}>{count(seen.received)}</Fact>
          <Fact name={t.made}>{count(seen.made)}</Fact>
          <Fact name={t.lastSeen}>{seen.last_seen ? dateTime(seen.last_seen) : ''}</Fact>
          <Fact name={t.callers}>{seen.callers.length > 0 && <Peers names={seen.callers} />}</Fact>
          <Fact name={t.callees}>{seen.callees.length > 0 && <Peers names={seen.callees} />}</Fact>
          <Fact name={t.hosts}>{seen.hosts.length > 0 && <span class="mono">{seen.hosts.join(', ')}</span>}</Fact>
        </dl>
      )}
    </section>
  );
}

function Peers({ names }: { names: string[] }) {
  return (
    <ul class="psm-peers">
      {names.map((name) => (
        <li key={name}>
          <ServiceLink psm={name} />
        </li>
      ))}
    </ul>
  );
}

function Fact({ name, children }: { name: string; children: ComponentChildren }) {
  const { none } = useMessages();
  const empty = children === '' || children === false || children === null;
  return (
    <div>
      <dt>{name}</dt>
      <dd>{empty ? <span class="dim">{none}</span> : children}</dd>
    </div>
  );
}

/** A text that is an address leads there; others stay text. */
function Linked({ text }: { text: string }) {
  const { none } = useMessages();
  if (!text) return <span class="dim">{none}</span>;
  if (!/^https?:\/\//.test(text)) return <>{text}</>;
  return (
    <a href={text} target="_blank" rel="noreferrer noopener">
      {text.replace(/^https?:\/\//, '')}
    </a>
  );
}
