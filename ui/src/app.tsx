import { LocationProvider, Route, Router } from 'preact-iso/router';
import { signedIn } from './api/client';
import { Frame } from './components/frame';
import { NotFoundPage } from './components/not-found';
import { SignInPage } from './components/sign-in';
import { manifest, routes } from './paths';
import { screenOf } from './screens';
import { useStore } from './store';

const table = routes().map((name) => ({ name, path: manifest(name).path, screen: screenOf(name) }));

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
      {table.map(({ name, path, screen }) => (
        <Route key={name} path={path} component={screen} />
      ))}
      <Route default component={NotFoundPage} />
    </Router>
  );
}
