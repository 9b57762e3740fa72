import type { JSX } from 'preact';
import { useRef, useState } from 'preact/hooks';
import { ErrorBoundary, LocationProvider, lazy, Route, Router } from 'preact-iso';
import { signedOut } from './api/client.ts';
import { Banner } from './parts/banner.tsx';
import { BottomBar, Rail, Top } from './parts/navigation.tsx';
import { Shortcuts } from './parts/shortcuts.tsx';
import { Approvals } from './routes/approvals.tsx';
import { More } from './routes/more.tsx';
import { NotFound } from './routes/not-found.tsx';
import { Now } from './routes/now.tsx';
import { SignedOut } from './routes/signed-out.tsx';
import { Tasks } from './routes/tasks.tsx';

const Task = lazy(() => import('./routes/task.tsx').then((module) => module.Task));
const Runs = lazy(() => import('./routes/runs.tsx').then((module) => module.Runs));
const Log = lazy(() => import('./routes/log.tsx').then((module) => module.Log));
const Charts = lazy(() => import('./routes/charts.tsx').then((module) => module.Charts));
const Services = lazy(() => import('./routes/services.tsx').then((module) => module.Services));
const Configuration = lazy(() => import('./routes/configuration.tsx').then((module) => module.Configuration));
const NewTask = lazy(() => import('./routes/new-task.tsx').then((module) => module.NewTask));
const Search = lazy(() => import('./routes/search.tsx').then((module) => module.Search));

/** The frame around every page. */
export function App(): JSX.Element {
  if (signedOut.value) return <SignedOut />;
  return (
    <LocationProvider>
      <a class="skip-link" href="#main">
        Skip to the page
      </a>
      <div class="frame">
        <Rail />
        <Top />
        <Banner />
        <Pages />
        <BottomBar />
      </div>
      <Shortcuts />
    </LocationProvider>
  );
}

function Pages(): JSX.Element {
  const main = useRef<HTMLElement>(null);
  const [failed, setFailed] = useState(false);
  const shown = useRef(location.pathname);
  /** Who reads with the ears hears where they are; who has just come keeps their place. */
  const onShown = (url: string): void => {
    const { pathname } = new URL(url, location.href);
    if (pathname === shown.current) return;
    shown.current = pathname;
    scrollTo(0, 0);
    main.current?.querySelector('h1')?.focus({ preventScroll: true });
  };
  return (
    <main class="main" id="main" ref={main} tabIndex={-1}>
      {failed ? (
        <div class="empty stack">
          <p>This page came to a stop. Nothing was sent or lost.</p>
          <p>
            <button type="button" class="primary" onClick={() => location.reload()}>
              Load it again
            </button>
          </p>
        </div>
      ) : (
        <ErrorBoundary onError={() => setFailed(true)}>
          <Router onLoadEnd={onShown} onRouteChange={onShown}>
            <Route path="/" component={Now} />
            <Route path="/approvals" component={Approvals} />
            <Route path="/tasks" component={Tasks} />
            <Route path="/tasks/:id" component={Task} />
            <Route path="/runs" component={Runs} />
            <Route path="/log/:service?" component={Log} />
            <Route path="/charts" component={Charts} />
            <Route path="/services" component={Services} />
            <Route path="/configuration" component={Configuration} />
            <Route path="/new" component={NewTask} />
            <Route path="/search" component={Search} />
            <Route path="/more" component={More} />
            <Route default component={NotFound} />
          </Router>
        </ErrorBoundary>
      )}
    </main>
  );
}
