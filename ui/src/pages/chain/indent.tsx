/** Deeper than this, every level looks the same: a name must stay readable. */
const DEEPEST = 16;

export function Indent({ depth }: { depth: number }) {
  return <span class="indent" style={{ width: `${Math.min(depth, DEEPEST) * 18}px` }} />;
}
