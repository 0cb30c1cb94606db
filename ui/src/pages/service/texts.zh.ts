import type { Texts } from './texts.en';

export const zh: Texts = {
  psmNow: '当前服务',
  back: '全部服务',
  star: (psm) => `将 ${psm} 加入我的常用服务`,
  unstar: (psm) => `将 ${psm} 移出我的常用服务`,
  clusterOption: (name, instances) => (instances ? `${name}（${instances}）` : `${name}（当前无实例）`),
  owner: '负责人',
  clusters: '集群',
  running: '运行版本',
  tabs: '该服务的页面',
  logs: '服务日志',
  notFound: '没有关于这个服务的信息',
  notFoundLead: '没有以此名称注册过的实例，一天之内也没有人调用过它。请检查拼写，或启动它的一个实例：几秒内就会出现在这里。',
};
