import { definePage } from '../../page';

export default definePage({
  path: '/degrade',
  title: { en: 'Business degradation', zh: '业务降级' },
  nav: { key: 'd', order: 30, group: 'fleet', icon: 'toggle' },
});
