import type { RuleSetHead, RuleSetList } from '../../api.gen';
import { useAgo } from '../../components/ago';
import { Icon } from '../../components/icon';
import { SparkLine } from '../../components/plot';
import { useRangeText } from '../../components/range-text';
import { count, dateTime } from '../../format';
import { InForceMeter } from '../../rules/in-force';
import type { UrlState } from '../../urlstate';
import { FreezeButton } from './freeze';
import { useTexts } from './texts';

interface Props {
  answer: RuleSetList | undefined;
  failed: boolean;
  side: string;
  kind: string;
  url: UrlState;
  onChanged: () => void;
}

/** The rules by kind: on how many instances which version runs, and what it did. */
export function KindList({ answer, failed, side, kind, url, onChanged }: Props) {
  const t = useTexts().list;
  const range = useRangeText();
  const sets = answer?.sets.filter((each) => each.side === side);
  return (
    <section class="card" aria-labelledby="rules-title">
      <header class="card-head">
        <h2 id="rules-title">{t.title}</h2>
        <div class="segments" role="group" aria-label={t.sidesLabel}>
          {Object.entries(t.sides).map(([name, text]) => (
            <button key={name} type="button" aria-pressed={name === side} title={t.sideHints[name]} onClick={() => url.patch({ side: name === 'server' ? '' : name, kind: '' })}>
              {text}
            </button>
          ))}
        </div>
      </header>
      <p class="gov-side dim">{[t.sideHints[side], answer && side !== 'callers' && t.sub(answer.instances)].filter(Boolean).join(' · ')}</p>
      <div class="gov-kind gov-kind-head" aria-hidden="true">
        <span>{t.kind}</span>
        <span>{t.inForce}</span>
        <span class="gov-effect">{t.effect(range.short)}</span>
        <span />
      </div>
      <ul class="gov-kinds">
        {sets?.map((head) => (
          <li key={head.kind}>
            <button
              type="button"
              class="gov-kind"
              aria-current={head.kind === kind ? 'true' : undefined}
              data-testid="kind-row"
              data-kind={head.kind}
              onClick={() => url.push({ kind: head.kind === kind ? '' : head.kind })}
            >
              <Name head={head} />
              <Coming head={head} />
              <Effect head={head} />
              <Icon name="chevron" />
            </button>
          </li>
        ))}
        {sets?.length === 0 && <li class="no-match">{t.none}</li>}
        {!sets && !failed && [1, 2, 3, 4, 5].map((row) => <li key={row} class="gov-kind placeholder" aria-hidden="true"><i /></li>)}
      </ul>
      <footer class="gov-foot">
        <span class="dim">{t.foot}</span>
        {answer && !answer.frozen && <FreezeButton onChanged={onChanged} />}
      </footer>
    </section>
  );
}

function Name({ head }: { head: RuleSetHead }) {
  const t = useTexts().list;
  const { kind, version, rules, summary, author, at, rollout, in_force, help } = head;
  const behind = in_force.known ? in_force.instances - in_force.current : 0;
  return (
    <>
      <span class="gov-name">
        <strong>{kind}</strong> <span class="dim">{t.purposes[kind] ?? help.replace(/\.$/, '')}</span>
        {rollout && <span class={`badge ${rollout.stopped ? 'badge-bad' : 'badge-blue'}`}>{rollout.stopped ? t.stopped : t.rolling(`${count(rollout.percent)} %`)}</span>}
        {behind > 0 && <span class="badge badge-mild">{t.behind(behind)}</span>}
      </span>
      <span class="gov-under dim" title={summary}>
        {version === 0 ? t.noRule : [t.rules(rules), summary, t.by(author, dateTime(at).slice(5, 16))].filter(Boolean).join(' · ')}
      </span>
    </>
  );
}

function Coming({ head }: { head: RuleSetHead }) {
  const t = useTexts().list;
  const { in_force, version, side } = head;
  if (!in_force.known) return <span class="gov-force dim">{t.unknown}</span>;
  if (in_force.instances === 0) return <span class="gov-force dim">{side === 'callers' ? t.noCaller : t.noInstance}</span>;
  return (
    <span class="gov-force">
      <InForceMeter inForce={in_force} text={`${t.ofAll(in_force.current, in_force.instances)} ${version ? t.at(version) : t.byDefault}`} />
    </span>
  );
}

function Effect({ head: { effect } }: { head: RuleSetHead }) {
  const t = useTexts().list;
  const acted = (effect.acted ?? []).reduce<number>((sum, n) => sum + (n ?? 0), 0);
  if (effect.known === false) return <span class="gov-effect dim">{t.unknown}</span>;
  if (acted === 0) return <span class="gov-effect dim">{t.nothing}</span>;
  return (
    <span class="gov-effect" title={t.acted(count(acted))}>
      <SparkLine values={effect.acted ?? []} color="--mild-mark" />
      <span class="offscreen">{t.acted(count(acted))}</span>
    </span>
  );
}

/** Who does not run what it should, and why. */
export function Behind({ head: { in_force } }: { head: RuleSetHead }) {
  const t = useTexts().behind;
  const behind = in_force.behind ?? [];
  if (behind.length === 0 || in_force.known === false) return null;
  return (
    <details class="gov-behind">
      <summary>{t.title(in_force.instances - in_force.current)}</summary>
      <ul>
        {behind.map(({ psm, instance, host, cluster, version, wanted, trouble, last }) => (
          <li key={`${psm} ${instance}`}>
            <span class="mono">{instance}</span> <span class="dim">{[host, cluster].filter(Boolean).join(' · ')}</span>
            <br />
            {t.runs(version, wanted)}
            {trouble && <strong class="bad-text"> {trouble}</strong>} {last > 0 && <Last at={last} />}
          </li>
        ))}
      </ul>
    </details>
  );
}

function Last({ at }: { at: number }) {
  const t = useTexts().behind;
  return <span class="dim">{t.last(useAgo(at * 1000))}</span>;
}
