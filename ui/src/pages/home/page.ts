import { definePage } from '../../page';

export default definePage({
  path: '/',
  title: { en: 'Home', zh: '首页' },
  nav: { key: 'h', order: 10, icon: 'home' },
  visit: ['cluster', 'window', 'against'],
});
