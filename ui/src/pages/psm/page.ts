import { definePage } from '../../page';

export default definePage({
  path: '/psm',
  title: { en: 'PSM management', zh: 'PSM 管理' },
  nav: { key: 'p', order: 40, group: 'fleet', icon: 'people' },
});
