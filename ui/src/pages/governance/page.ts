import { definePage } from '../../page';

export default definePage({
  path: '/s/:psm/governance',
  title: { en: 'Governance', zh: '服务治理' },
  visit: ['window'],
  tab: { of: 'service', order: 60 },
});
