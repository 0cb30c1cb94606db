import { definePage } from '../../page';

export default definePage({
  path: '/s/:psm/overview',
  title: { en: 'Overview', zh: '服务首页' },
  visit: ['cluster', 'window', 'against'],
  tab: { of: 'service', order: 10 },
});
