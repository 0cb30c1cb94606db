import type { Texts } from './texts.en';

export const zh: Texts = {
  title: '变更',
  stream: '全部变更',
  verdict: (n, people, span) => `最近 ${span}有 ${n}，来自 ${people} 人`,
  changes: (n) => `${n.toLocaleString('en-US')} 次变更`,
  none: (span) => `最近 ${span}没有任何变更`,
  last: (who, what, ago) => `最近一次 ${ago}：${who}，${what}`,
  lane: '何时变更了什么：每个标记是下方列表中的一次变更',
  laneNote: '标记只代表列表中的变更，更早的没有画出。',
};
