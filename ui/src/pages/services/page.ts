import { definePage } from '../../page';

export default definePage({
  path: '/services',
  title: { en: 'Services', zh: '服务' },
  nav: { key: 's', order: 20, icon: 'services' },
  visit: ['cluster', 'window'],
});
