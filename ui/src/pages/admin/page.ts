import { definePage } from '../../page';

export default definePage({
  path: '/admin',
  title: { en: 'People and audit', zh: '人员与审计' },
  nav: { key: 'a', order: 90, group: 'platform', icon: 'key' },
});
