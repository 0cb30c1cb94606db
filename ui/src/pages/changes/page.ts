import { definePage } from '../../page';

export default definePage({
  path: '/changes',
  title: { en: 'Changes', zh: '变更' },
  nav: { key: 'c', order: 35, group: 'main', icon: 'changes' },
});
