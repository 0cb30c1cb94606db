import { definePage } from '../../page';

export default definePage({
  path: '/s/:psm/config',
  title: { en: 'Dynamic config', zh: '动态配置' },
  tab: { of: 'service', order: 70 },
});
