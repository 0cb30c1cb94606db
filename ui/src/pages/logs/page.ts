import { definePage } from '../../page';

export default definePage({
  path: '/logs/:rest*',
  title: { en: 'Logs', zh: '日志搜索' },
  nav: { key: 'l', order: 30, icon: 'lines' },
});
