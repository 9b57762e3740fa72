import { render } from 'preact';
import { startStream } from './api/stream.ts';
import { App } from './app.tsx';
import { startServiceWorker } from './service-worker.ts';
import { startClock } from './state/clock.ts';
import { startStore } from './state/store.ts';
import { startTheme } from './state/theme.ts';

// An address that is no text is nobody's: the router would stop at it.
try {
  decodeURIComponent(location.pathname);
} catch {
  history.replaceState(null, '', '/');
}

startTheme();
startClock();
void startStore().finally(startStream);
document.body.replaceChildren();
render(<App />, document.body);
startServiceWorker();
