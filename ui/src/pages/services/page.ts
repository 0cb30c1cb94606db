import { definePage } from '../../page';

export default definePage({
  path: '/services',
  title: { en: 'Services', zh: '服务' },
  nav: { order: 20, icon: 'services' },
  visit: ['cluster', 'window'],
});
