import { definePage } from '../../page';

/** The shell of all pages of one service; each of them is a page of its own that names this one in `tab`. */
export default definePage({
  path: '/s/:psm/:tab?',
  title: { en: 'Service', zh: '服务' },
  partOf: 'services',
});
