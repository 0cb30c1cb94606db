import './styles/tokens.css';
import './styles/base.css';
import './styles/frame.css';
import './styles/controls.css';
import './styles/table.css';
import './styles/empty.css';
import './styles/requests.css';
import './styles/served.css';
import 'uplot/dist/uPlot.min.css';
import './styles/chart.css';
import './styles/plot.css';
import './styles/dialog.css';
import './styles/picker.css';
import './styles/trio.css';
import './styles/verdict.css';
import './styles/tooltip.css';
import './styles/log-level.css';
import './styles/changes.css';

import { render } from 'preact';
import { App } from './app';
import { applyPreferences } from './preferences';

applyPreferences(document.documentElement);
const root = document.getElementById('app');
if (root) render(<App />, root);
