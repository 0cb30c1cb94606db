import type { ChainCall, ChainNode } from '../../api.gen';
import { duration, offset } from '../../format';
import { decisionOf } from './decision';
import { flagLabel, flagText, isContradiction } from './flags';
import { Indent } from './indent';
import { useTexts } from './texts';
import { clientSpan, serverSpan } from './timeline';
import type { Item } from './tree';
import type { Texts } from './texts.en';

type Reasoned = ChainNode | ChainCall;

/** Whether there is something to explain: a failure, a rule, a decision that was taken. */
export function hasReasons({ message, rule, notes }: Reasoned): boolean {
  return Boolean(message || rule || notes.length);
}

interface Props {
  /** The row of the tree; null in the table of calls. */
  item: Item | null;
  record: Reasoned;
  /** Everything known of the record, not only why it went as it did. */
  full: boolean;
  columns: number;
}

/** Why a call failed, was tried again or was rejected, under its row. */
export function WhyRow({ item, record, full, columns }: Props) {
  const t = useTexts();
  const facts = full ? factsOf(item, record, t) : [];
  return (
    <tr class={`sub why${full ? ' why-full' : ''}`}>
      <td colSpan={columns}>
        <div class="why-body under">
          <Indent depth={(item?.depth ?? 0) + 1} />
          <div>
            <Reasons record={record} />
            {full && <Flags flags={record.flags} />}
            {facts.length > 0 && (
              <dl class="facts">
                {facts.map(([name, value]) => (
                  <div key={name}>
                    <dt>{name}</dt>
                    <dd class="mono">{value}</dd>
                  </div>
                ))}
              </dl>
            )}
          </div>
        </div>
      </td>
    </tr>
  );
}

function Reasons({ record }: { record: Reasoned }) {
  const t = useTexts();
  const { message, rule, notes, status } = record;
  return (
    <>
      {message && <p class={status === 'ERROR' ? 'reason bad-text' : 'reason'}>{message}</p>}
      {rule && !notes.some((note) => note.includes(rule)) && (
        <p class="reason">
          <span class="why-label">{t.why.rule}</span> <span class="mono">{rule}</span>
        </p>
      )}
      {notes.length > 0 && (
        <ol class="notes" aria-label={t.why.notes}>
          {notes.map((note, index) => (
            <li key={index}>
              <Note note={note} />
            </li>
          ))}
        </ol>
      )}
    </>
  );
}

/** A note; of a decision, what was decided, and the rule in words that stand out. */
function Note({ note }: { note: string }) {
  const decision = decisionOf(note);
  if (!decision) return <>{note}</>;
  const { what, kind, version, scope, tone } = decision;
  return (
    <span class={`decision ${tone === 'plain' ? '' : `${tone}-text`}`}>
      {what} <span class="mono rule-name">{`${kind} v${version}`}</span>
      {scope && <span class="mono dim"> {scope}</span>}
    </span>
  );
}

function Flags({ flags }: { flags: string[] }) {
  const t = useTexts();
  return (
    <>
      {flags.map((flag) => (
        <p key={flag} class={`reason ${isContradiction(flag) ? 'mild-text' : 'dim'}`}>
          {flagLabel(t, flag)} · {flagText(t, flag)}
        </p>
      ))}
    </>
  );
}

function factsOf(item: Item | null, record: Reasoned, t: Texts): Array<[string, string]> {
  const why = t.why;
  const facts: Array<[string, string]> = [];
  if ('cluster' in record) facts.push([why.cluster, record.cluster], [why.instance, record.instance], [why.view, record.view], [why.route, record.route]);
  const peer = item?.call?.peer ?? ('peer' in record ? record.peer : '');
  const waited = item && clientSpan(item);
  const served = item && serverSpan(item);
  if (waited) facts.push([why.gap, duration(waited.to - waited.from)]);
  if (waited && served) facts.push([why.network, duration(waited.to - waited.from - (served.to - served.from))]);
  if (record.skew_ms) facts.push([why.skew, offset(record.skew_ms)]);
  facts.push([why.peer, peer], [why.code, record.code ? String(record.code) : ''], [why.span, record.span_id]);
  for (const [name, value] of Object.entries(record.fields)) facts.push([name, String(value)]);
  return facts.filter(([, value]) => value);
}
