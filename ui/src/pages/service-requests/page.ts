import { definePage } from '../../page';

export default definePage({
  path: '/s/:psm/requests',
  title: { en: 'Requests', zh: '请求' },
  visit: ['cluster', 'window'],
  tab: { of: 'service', order: 20 },
});
