import type { RulesDiff } from '../api.gen';
import { diffLines, narrowed } from './line-diff';
import { useRuleTexts } from './texts';

interface Shown {
  sign: string;
  text: string;
}

/** What changes from one version to another, as lines of YAML. */
export function DiffView({ diff }: { diff: RulesDiff }) {
  return <Lines lines={diff.lines} />;
}

/** The same between two texts of this browser. */
export function TextDiff({ before, after }: { before: string; after: string }) {
  const body = (text: string) => text.replace(/^(?:(?:kind|psm|side|version):.*\n)+/, '');
  const lines = narrowed(diffLines(body(before), body(after))).map((line): Shown => line ?? { sign: '…', text: '' });
  return <Lines lines={lines.every(({ sign }) => sign !== '+' && sign !== '-') ? [] : lines} />;
}

function Lines({ lines }: { lines: readonly Shown[] }) {
  const t = useRuleTexts().diff;
  if (lines.length === 0) return <p class="dim rules-nothing">{t.nothing}</p>;
  return (
    <div class="rules-diff" role="region" tabIndex={0} aria-label={t.title}>
      {lines.map(({ sign, text }, at) => (
        <span key={at} class={sign === '+' ? 'rules-add' : sign === '-' ? 'rules-del' : ''} title={sign === '…' ? t.left : undefined}>
          <i>{sign === '-' ? '−' : sign}</i> {text}
        </span>
      ))}
    </div>
  );
}
