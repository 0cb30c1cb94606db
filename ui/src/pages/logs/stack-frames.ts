/** A stack of Python or of a browser taken apart, so that a reader's own frames stand out. */

export interface Frame {
  kind: 'frame';
  file: string;
  line: string;
  name: string;
  code: string[];
  own: boolean;
}

export interface Text {
  kind: 'text';
  text: string;
  /** Names the error, rather than introducing a stack. */
  error: boolean;
}

export type Part = Frame | Text;

/** Neighbouring frames of libraries are one group, folded at first. */
export type Block = { kind: 'part'; part: Part } | { kind: 'library'; frames: Frame[] };

const FRAME = /^ +File "(?<file>.+)", line (?<line>\d+)(?:, in (?<name>.+))?$/;
/** `at name (file:line:column)`, or `name@file:line:column`. */
const SCRIPT_FRAME = /^\s+at (?:(?<name>.+?) \()?(?<file>\S+?):(?<line>\d+)(?::\d+)?\)?$|^(?<name2>[^\s@]*)@(?<file2>\S+?):(?<line2>\d+)(?::\d+)?$/;
/** Pie itself counts as a library, also in a clone: what is looked for is the reader's own code. */
const LIBRARY = /site-packages|dist-packages|node_modules|\/lib(?:64)?\/python\d|^<frozen |\/src\/pie\/[a-z]+\//;

export function partsOf(stack: string): Part[] {
  const parts: Part[] = [];
  for (const text of stack.trimEnd().split('\n')) {
    const found = (FRAME.exec(text) ?? SCRIPT_FRAME.exec(text))?.groups;
    const last = parts.at(-1);
    if (found) {
      const { file = found.file2 ?? '', line = found.line2 ?? '', name = found.name2 ?? '' } = found;
      parts.push({ kind: 'frame', file, line, name, code: [], own: !LIBRARY.test(file) });
    } else if (last?.kind === 'frame' && /^ {2,}\S/.test(text)) last.code.push(text);
    else parts.push({ kind: 'text', text, error: !/^(Traceback |$|During handling|The above exception)/.test(text.trim()) });
  }
  return parts;
}

export function blocksOf(parts: Part[]): Block[] {
  const blocks: Block[] = [];
  const anyOwn = parts.some((part) => part.kind === 'frame' && part.own);
  for (const part of parts) {
    const last = blocks.at(-1);
    // Without a frame of one's own nothing stands out by folding the rest.
    if (part.kind !== 'frame' || part.own || !anyOwn) blocks.push({ kind: 'part', part });
    else if (last?.kind === 'library') last.frames.push(part);
    else blocks.push({ kind: 'library', frames: [part] });
  }
  return blocks;
}
