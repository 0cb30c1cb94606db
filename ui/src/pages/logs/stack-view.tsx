import { useMemo } from 'preact/hooks';
import { CopyButton } from '../../components/copy-button';
import { Highlighted } from './highlighted';
import { blocksOf, type Frame, type Part, partsOf } from './stack-frames';
import { useTexts } from './texts';

/** A stack with the frames of libraries folded away. */
export function StackView({ stack, pattern }: { stack: string; pattern: RegExp | null }) {
  const t = useTexts().stack;
  const blocks = useMemo(() => blocksOf(partsOf(stack)), [stack]);
  return (
    <section class="stack" aria-label={t.title}>
      <header>
        <h3>{t.title}</h3>
        <CopyButton text={stack} label={t.copy} />
      </header>
      <div class="stack-body" tabIndex={0}>
        {blocks.map((block, index) =>
          block.kind === 'part' ? (
            <PartView key={index} part={block.part} pattern={pattern} />
          ) : (
            <details key={index} class="stack-library">
              <summary>{t.library(block.frames.length, packageOf(block.frames))}</summary>
              {block.frames.map((frame, at) => (
                <PartView key={at} part={frame} pattern={pattern} />
              ))}
            </details>
          ),
        )}
      </div>
    </section>
  );
}

function PartView({ part, pattern }: { part: Part; pattern: RegExp | null }) {
  if (part.kind === 'text')
    return (
      <p class={part.error ? 'stack-error' : 'stack-text'}>
        <Highlighted text={part.text || ' '} pattern={pattern} />
      </p>
    );
  const cut = part.file.lastIndexOf('/') + 1;
  return (
    <div class={part.own ? 'frame-own' : 'frame-library'}>
      <p class="frame-at">
        {part.name && <strong>{part.name}</strong>}
        <span title={part.file}>
          <span class="dim">{part.file.slice(0, cut)}</span>
          {part.file.slice(cut)}:{part.line}
        </span>
      </p>
      {part.code.length > 0 && (
        <pre>
          <Highlighted text={part.code.map((text) => text.replace(/^ {4}/, '')).join('\n')} pattern={pattern} />
        </pre>
      )}
    </div>
  );
}

/** The packages the frames are of, as far as their paths say. */
function packageOf(frames: Frame[]): string {
  const names = frames.map(({ file }) => (/(?:(?:site|dist)-packages|node_modules|\/src(?=\/pie\/))\/([^/]+)/.exec(file) ?? /\/python[\d.]+\/([^/]+)/.exec(file))?.[1] ?? '');
  return [...new Set(names.map((name) => name.replace(/\.py$/, '')))].filter(Boolean).join(', ');
}
