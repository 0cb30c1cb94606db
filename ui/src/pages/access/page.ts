import { definePage } from '../../page';

export default definePage({
  path: '/s/:psm/access',
  title: { en: 'Access control', zh: '访问控制' },
  tab: { of: 'service', order: 70 },
});
