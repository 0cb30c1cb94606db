import type { ServicePage } from '../../api.gen';
import { useAgo } from '../../components/ago';
import { failureTone } from '../../components/failure-tone';
import type { ServiceView } from '../../components/service-view';
import { compact, count, dateTime, duration, percent, period } from '../../format';
import { useMessages } from '../../i18n';
import { useTexts } from './texts';

/** What the service says of itself, and how it does as a whole. */
export function ServiceInfo({ view }: { view: ServiceView }) {
  const t = useTexts();
  const { page } = view;
  return (
    <section class="card" aria-labelledby="info-title">
      <header class="card-head">
        <h2 id="info-title">{t.info.title}</h2>
        {page && page.total.calls > 0 && (
          <p class="card-sub">{page.account === 'callers' ? t.byCallers : t.rates(period(page.covered_s))}</p>
        )}
      </header>
      {page ? (
        <>
          <SelfDescription page={page} />
          <Totals page={page} />
        </>
      ) : (
        <div class="placeholder info-placeholder" aria-hidden="true">
          <i />
          <i />
        </div>
      )}
    </section>
  );
}

function SelfDescription({ page }: { page: ServicePage }) {
  const t = useTexts();
  const { none } = useMessages();
  const debug = [...new Set(page.instances.map((instance) => instance.debug).filter(Boolean))];
  const facts: Array<[string, string]> = [
    [t.info.language, page.language],
    [t.info.framework, page.framework],
    [t.info.frameworkVersion, page.framework_version],
    [t.info.protocol, page.protocol],
    [t.info.debug, debugText(debug)],
    [t.info.owners, page.owners.join(', ')],
  ];
  function debugText([first, ...others]: string[]): string {
    if (first === undefined) return page.instances.some(({ reported }) => reported) ? t.info.noDebug : '';
    return others.length > 0 ? `${first} ${t.info.more(others.length)}` : first;
  }
  return (
    <dl class="info" data-testid="service-info">
      {facts.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value || <span class="dim">{none}</span>}</dd>
        </div>
      ))}
    </dl>
  );
}

function Totals({ page }: { page: ServicePage }) {
  const t = useMessages().figures;
  const common = useMessages();
  const { calls, failures, rejected, business, qps, avg_ms, p50_ms, p99_ms } = page.total;
  const time = (ms: number) => (calls ? duration(ms) : '');
  const part = (n: number) => (calls ? percent(n / calls) : '');
  return (
    <dl class="totals" data-testid="service-totals">
      <Total name={t.qps} value={page.traffic_known ? compact(qps) : ''} note={page.traffic_known ? t.counted(calls) : ''} />
      <Total name={t.avg} value={time(avg_ms)} />
      <Total name={t.p50} value={time(p50_ms)} />
      <Total name={t.p99} value={time(p99_ms)} hint={t.p99Hint} />
      <Total name={t.failures} value={part(failures)} note={noteOf(failures)} tone={calls ? failureTone(failures / calls) : ''} hint={common.figures.failuresHint} />
      <Total name={t.rejected} value={part(rejected)} note={noteOf(rejected)} tone={rejected ? 'mild-text' : ''} hint={common.figures.rejectedHint} />
      <Total name={t.business} value={part(business)} note={noteOf(business)} hint={t.businessHint} />
      <LastSeen at={page.last_seen} />
    </dl>
  );
}

function noteOf(n: number): string {
  return n ? count(n) : '';
}

function Total(props: { name: string; value: string; note?: string; tone?: string; hint?: string }) {
  const { none } = useMessages();
  const { name, value, note, tone = '', hint } = props;
  return (
    <div title={hint}>
      <dt>{name}</dt>
      <dd class={tone}>
        {value || <span class="dim">{none}</span>}
        {note && <small>{note}</small>}
      </dd>
    </div>
  );
}

function LastSeen({ at }: { at: number }) {
  const t = useMessages().figures;
  const common = useMessages();
  const ago = useAgo(at * 1000);
  return (
    <div title={at ? `${dateTime(at)}. ${t.lastSeenHint}` : undefined}>
      <dt>{t.lastSeen}</dt>
      <dd>{at ? t.atMost(ago) : <span class="dim">{common.none}</span>}</dd>
    </div>
  );
}
