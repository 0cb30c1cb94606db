import { language } from '../preferences';

type Parts = Record<string, string>;

/** What the platform says of rules, in Chinese, by the name of the reason; what is not here is shown as it says it. */
const PROBLEMS_ZH: Record<string, (parts: Parts) => string> = {
  unknown_field: ({ near, fields }) => (near ? `没有这个字段；是不是 ${near}？` : `没有这个字段；有 ${fields}`),
  scope_field: ({ field }) => `没有这个字段；它属于范围：\`scope: {${field}: …}\``,
  bad_value: ({ value, least, most, unit }) => `${value} 不是合法的值${least && most ? `：应在 ${least} 到 ${most}${unit ? ` ${unit}` : ''} 之间` : ''}`,
  unknown_prefix: ({ prefix }) => `没有已知的名称以 ${prefix} 开头`,
  unknown_name: ({ name, near }) => `没有已知的 ${name}${near ? `：是不是 ${near}？` : ''}`,
  shadowed: ({ calls, days }) => `最近 ${days} 天匹配它的 ${calls} 次调用都由更具体的规则处理：它不会对任何调用生效`,
  no_call: ({ days }) => `最近 ${days} 天没有它适用的调用`,
};

/** The message of a problem, in the reader's language where the platform names the reason. */
export function problemText({ message, reason = '', parts = {} }: { message: string; reason?: string; parts?: Parts }): string {
  return (language.get() === 'zh' && PROBLEMS_ZH[reason]?.(parts)) || message;
}
