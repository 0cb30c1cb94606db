import type { Texts } from './texts.en';

export const zh: Texts = {
  title: '首页',
  mine: '我的常用服务',
  mineSub: '先是收藏的，再是最常访问的',
  mineEmpty: '这里还没有内容：打开一个服务并收藏它，或多访问几次。',
  gone: '当前未见',
  toServices: '查看全部服务',
  failing: '正在失败的服务',
  failingSub: (range) => `最近 ${range}内有失败的服务`,
  failingNone: (range) => `最近 ${range}内没有服务失败。`,
  failures: '失败',
  failed: '最新失败请求',
  failedSub: '来自外部、由服务自身失败（5xx）的调用',
  failedNone: '没有失败的请求。',
  of: (failed, calls) => `${calls} 次调用中 ${failed} 次`,
  all: '查看全部',
  psm: 'PSM',
};
