import type { ComponentChildren } from 'preact';
import type { Chain } from '../../api.gen';
import { CopyButton } from '../../components/copy-button';
import { Icon } from '../../components/icon';
import { count, dateTimeMs, duration, utc, zoneOffset } from '../../format';
import { useMessages } from '../../i18n';
import { CauseLine } from './cause-line';
import { type Finding, findingsOf } from './flags';
import { useTexts } from './texts';
import type { ChainView } from './use-chain-view';

export function Summary({ chain, view, refresh }: { chain: Chain; view: ChainView; refresh: () => void }) {
  const t = useTexts();
  const common = useMessages();
  const findings = findingsOf(chain, t);
  return (
    <section class="card summary" data-testid="chain-summary">
      <header class="summary-head">
        <h1>
          <span class="summary-label">{t.logid}</span>
          <span class="mono">{chain.logid}</span>
        </h1>
        <CopyButton text={chain.logid} />
        <button type="button" class="quiet" onClick={refresh}>
          <Icon name="refresh" />
          {t.refresh}
        </button>
      </header>
      <dl class="stats">
        <Stat name={t.total} main={duration(chain.total_ms)} />
        <Stat name={t.nodes} main={count(chain.node_count)} />
        <Stat name={t.calls} main={count(chain.call_count)} />
        <Stat name={t.entryIp} main={chain.entry_ip || common.none} />
        <Stat name={`${t.start} (${zoneOffset(chain.start)})`} main={dateTimeMs(chain.start)}>
          {utc(chain.start)}
        </Stat>
      </dl>
      <CauseLine chain={chain} view={view} />
      {findings.length > 0 && (
        <div class="findings">
          <h2>{t.flagsTitle}</h2>
          <ul>
            {findings.map((finding) => (
              <FindingLine key={finding.flag} finding={finding} view={view} />
            ))}
          </ul>
        </div>
      )}
    </section>
  );
}

function Stat({ name, main, children }: { name: string; main: string; children?: ComponentChildren }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>
        {main}
        {children && <small>{children}</small>}
      </dd>
    </div>
  );
}

const ROWS_SHOWN = 6;

function FindingLine({ finding, view }: { finding: Finding; view: ChainView }) {
  const { label, explanation, contradiction, rows } = finding;
  return (
    <li class={contradiction ? 'contradiction' : undefined}>
      <Icon name={contradiction ? 'warning' : 'info'} />
      <span>
        <strong>{label}</strong>
        {rows.slice(0, ROWS_SHOWN).map((key) => (
          <button key={key} type="button" class="finding-row" onClick={() => view.select(key)}>
            {placeName(key, view)}
          </button>
        ))}
        {rows.length > ROWS_SHOWN && <span class="dim"> +{rows.length - ROWS_SHOWN}</span>} {explanation}
      </span>
    </li>
  );
}

/** A node by its number, an unlogged call by its callee. */
function placeName(key: string, view: ChainView): string {
  const item = view.tree.byKey.get(key);
  return item?.node ? `#${item.node.no}` : `−1 ${item?.call?.callee.split('.').at(-1) ?? ''}`;
}

export function ChainSkeleton({ logid }: { logid: string }) {
  const t = useTexts();
  const common = useMessages();
  return (
    <div class="chain" aria-busy="true">
      <section class="card summary">
        <header class="summary-head">
          <h1>
            <span class="summary-label">{t.logid}</span>
            <span class="mono">{logid}</span>
          </h1>
        </header>
        <dl class="stats">
          {[t.total, t.nodes, t.calls, t.entryIp, t.start].map((name) => (
            <div key={name}>
              <dt>{name}</dt>
              <dd class="placeholder">
                <i />
              </dd>
            </div>
          ))}
        </dl>
      </section>
      <section class="card waiting">
        <h2>{t.tree.title}</h2>
        <p class="dim">{common.loading}</p>
      </section>
    </div>
  );
}
