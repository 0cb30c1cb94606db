import lazy from 'preact-iso/lazy';
import { LocationProvider, Route, Router } from 'preact-iso/router';
import { signedIn } from './api/client';
import { Frame } from './components/frame';
import { NotFoundPage } from './pages/not-found';
import { OutdatedPage } from './pages/outdated';
import { SignInPage } from './pages/sign-in';
import { useStore } from './store';

// A page's code is gone when the platform was updated since this tab was opened.
const HomePage = lazy(() => import('./pages/home/page').then((module) => module.HomePage, () => OutdatedPage));
const ServicePages = lazy(() => import('./pages/service/page').then((module) => module.ServicePages, () => OutdatedPage));
const ServicesPage = lazy(() => import('./pages/services/page').then((module) => module.ServicesPage, () => OutdatedPage));
const ChainPage = lazy(() => import('./pages/chain/page').then((module) => module.ChainPage, () => OutdatedPage));
const LogsPage = lazy(() => import('./pages/logs/page').then((module) => module.LogsPage, () => OutdatedPage));

export function App() {
  return (
    <LocationProvider>
      <Frame>
        <Pages />
      </Frame>
    </LocationProvider>
  );
}

/** Signing in replaces the page, not the address: afterwards the reader is where they wanted to be. */
function Pages() {
  if (!useStore(signedIn)) return <SignInPage />;
  return (
    <Router>
      <Route path="/" component={HomePage} />
      <Route path="/services" component={ServicesPage} />
      <Route path="/s/:psm/:tab?" component={ServicePages} />
      <Route path="/chain/:logid" component={ChainPage} />
      <Route path="/logs/:rest*" component={LogsPage} />
      <Route default component={NotFoundPage} />
    </Router>
  );
}
