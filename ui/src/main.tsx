import './styles/tokens.css';
import './styles/base.css';
import './styles/frame.css';
import './styles/controls.css';
import './styles/table.css';
import './styles/services.css';
import 'uplot/dist/uPlot.min.css';
import './styles/service.css';
import './styles/chain.css';
import './styles/waterfall.css';
import './styles/logs.css';
import './styles/log-search.css';
import './styles/log-histogram.css';
import './styles/log-lines.css';
import './styles/log-detail.css';
import './styles/log-tasks.css';

import { render } from 'preact';
import { App } from './app';
import { applyPreferences } from './preferences';

applyPreferences(document.documentElement);
const root = document.getElementById('app');
if (root) render(<App />, root);
