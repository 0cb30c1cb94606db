import { type Messages, useMessages } from '../i18n';

/** The kinds of 4xx: the caller is answerable for these, so they are no sign of a broken service. */
const REJECTED = new Set(['invalid', 'unauthenticated', 'denied', 'not_found', 'conflict', 'exhausted', 'cancelled']);

export type Tone = 'good' | 'bad' | 'mild' | 'unsure';

/** The status words of the chain tables: the same in every language, as people say them. */
export function Status({ status, outcome, code }: { status: string; outcome: string; code: number }) {
  const t = useMessages();
  // An outcome that says no more than the status is left out.
  const plain = ['ok', '', status.toLowerCase()].includes(outcome);
  return (
    <span class={`status tone-${toneOfStatus(status, outcome)}`}>
      <i />
      {status}
      {(!plain || code !== 0) && <small>{plain ? code : `${outcomeText(t, outcome)} ${code}`}</small>}
    </span>
  );
}

export function Outcome({ outcome, code }: { outcome: string; code: number }) {
  const t = useMessages();
  const tone: Tone = outcome === 'ok' ? 'good' : REJECTED.has(outcome) || outcome === 'business' ? 'mild' : 'bad';
  return (
    <span class={`status tone-${tone}`}>
      <i />
      {outcomeText(t, outcome)}
      {outcome !== 'ok' && <small>{code}</small>}
    </span>
  );
}

function toneOfStatus(status: string, outcome: string): Tone {
  if (status === 'ERROR') return outcome === 'business' ? 'mild' : 'bad';
  return status === 'OK' ? 'good' : 'unsure';
}

function outcomeText(t: Messages, outcome: string): string {
  const known: Record<string, string> = t.outcomes;
  return known[outcome] ?? outcome;
}
