import { definePage } from '../../page';

export default definePage({
  path: '/chain/:logid',
  title: { en: 'Chain', zh: '调用链' },
  partOf: 'logs',
});
