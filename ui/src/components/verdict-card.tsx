import type { ComponentChildren } from 'preact';
import { HealthMark } from './health-mark';

export type Health = 'well' | 'mild' | 'bad' | 'unknown';

/** The page's question answered in a sentence: a shape, what is the case, why, and figures beside it. */
export function VerdictCard({ health, title, level = 2, children, figures }: { health: Health; title: ComponentChildren; level?: 1 | 2; children?: ComponentChildren; figures?: ComponentChildren }) {
  const Heading = level === 1 ? 'h1' : 'h2';
  return (
    <section class={`card verdict verdict-${health}`} data-testid="verdict" data-health={health}>
      <HealthMark health={health} />
      <div class="verdict-words">
        <Heading>{title}</Heading>
        {children}
      </div>
      {figures && <dl class="verdict-figures">{figures}</dl>}
    </section>
  );
}

export function VerdictFigure({ name, value, note, tone = '' }: { name: string; value: string; note?: string; tone?: string }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd class={tone}>{value}</dd>
      {note && <dd class="verdict-note">{note}</dd>}
    </div>
  );
}
