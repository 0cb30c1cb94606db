/**
 * What the platform says when it refuses or fails, in Chinese, by the name of the reason. The platform says it in English; a
 * reason that is not here, of a newer platform for instance, is shown with that.
 */
type Parts = Record<string, string>;

export const FAILURES_ZH: Record<string, (parts: Parts) => string> = {
  store_failed: ({ why }) => `状态存储出错：${why}`,
  conflict: () => '有人刚刚修改过：请刷新后重试。',
  published_meanwhile: ({ by, version }) => `${by} 刚刚发布了 v${version}：请比较后再发布。`,
  frozen: ({ by, why }) => `${by} 冻结了规则和配置（${why}）：管理员解冻后才能发布。`,
  not_owner: ({ who, name, owners, admins }) =>
    owners
      ? `${who} 不是 ${name} 的负责人。可以操作的是负责人 ${owners}${admins ? ` 和管理员 ${admins}` : ' 和管理员'}；请他们在 PSM 管理中添加您。`
      : `${who} 不是 ${name} 的负责人：它还没有负责人。请先在 PSM 管理中认领${admins ? `，或联系管理员 ${admins}` : ''}。`,
  not_admin: ({ who }) => `${who} 不是管理员，只有管理员可以这样做。`,
  not_own_tokens: ({ who, name }) => `${who} 不能修改 ${name} 的令牌：只有本人和管理员可以。`,
  oneself: () => '不能停用自己或取消自己的管理员：请联系另一位管理员。',
  reason_long: ({ most }) => `原因太长，最多 ${most} 个字符。`,
  people_full: ({ most }) => `已有 ${most} 个人，达到上限。`,
  person_known: ({ name }) => `已经有名为 ${name} 的人。`,
  days_range: ({ most }) => `天数应在 0 到 ${most} 之间。`,
  note_long: ({ most }) => `备注最多 ${most} 个可见字符。`,
  disabled: ({ name }) => `${name} 已停用：请先启用。`,
  tokens_full: ({ name, most }) => `${name} 已有 ${most} 个令牌，达到上限：请先吊销一个。`,
  no_token: ({ name }) => `${name} 没有这个令牌。`,
  freeze_reason: () => '请说明为什么冻结规则：别人会问。',
  comment_needed: ({ kind_of_rules }) => `${kind_of_rules} 规则会拒绝调用，请说明原因：会写入历史，调用方的负责人也会看到。`,
  version_gone: ({ version, kept }) => `v${version} 已不再保留；保留的有：${kept}。`,
  switch_reason: () => '请说明原因：看到功能缺失的人需要知道。',
  no_switch: ({ psm, name, has }) => `${psm} 没有开关 ${name}：${has ? `它有 ${has}` : '它还没有上报过开关'}。开关的代码运行过一次后才会上报。`,
  until_past: ({ until }) => `结束时间 ${until} 已过：请给出更晚的时间。`,
  no_group: ({ name, names }) => `没有名为 ${name} 的分组；已有：${names}。`,
  bad_switch: ({ name }) => `${name} 不是合法的开关名。`,
  span_reversed: () => '时间范围的结束早于开始：请交换。',
  span_long: ({ days }) => `${days} 天的范围太长：最多 400 天。`,
  no_change: () => '没有这个变更：变更保留两年，刚做的变更一秒后出现。',
};
