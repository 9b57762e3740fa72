import type { JSX } from 'preact';
import { useLocation } from 'preact-iso';
import { keysWork } from '../state/keys.ts';
import { attention, running } from '../state/store.ts';
import { nextTheme, theme } from '../state/theme.ts';
import { Icon, type IconName } from './icon.tsx';
import { QueueControl } from './queue-control.tsx';

type Place = { readonly path: string; readonly name: string; readonly icon: IconName };

const first: readonly Place[] = [
  { path: '/', name: 'Now', icon: 'now' },
  { path: '/approvals', name: 'Approvals', icon: 'approvals' },
  { path: '/tasks', name: 'Tasks', icon: 'tasks' },
];
/** What a phone has on its page «More». */
export const further: readonly Place[] = [
  { path: '/runs', name: 'Runs', icon: 'runs' },
  { path: '/log', name: 'Log', icon: 'log' },
  { path: '/charts', name: 'Charts', icon: 'charts' },
  { path: '/services', name: 'Services', icon: 'services' },
  { path: '/configuration', name: 'Configuration', icon: 'configuration' },
];

/** The left edge of a desk. */
export function Rail(): JSX.Element {
  return (
    <aside class="rail" aria-label="Countersign">
      <a class="brand" href="/">
        <Icon name="approvals" size={24} />
        Countersign
      </a>
      <nav aria-label="Pages">
        {[...first, ...further].map((place) => (
          <PlaceLink key={place.path} place={place} />
        ))}
      </nav>
      <div class="foot">
        <QueueControl />
        <ThemeButton />
        <a class="button plain" href="/more">
          <Icon name="out" size={18} />
          Session
        </a>
      </div>
    </aside>
  );
}

/** The bottom edge of a phone. */
export function BottomBar(): JSX.Element {
  return (
    <nav class="bar" aria-label="Pages, short">
      {[...first, { path: '/more', name: 'More', icon: 'more' } as const].map((place) => (
        <PlaceLink key={place.path} place={place} />
      ))}
    </nav>
  );
}

/** The top edge of both. */
export function Top(): JSX.Element {
  const { route, query } = useLocation();
  return (
    <header class="top">
      <a class="brand" href="/" aria-label="Countersign, the first page">
        <Icon name="approvals" size={24} />
      </a>
      <search class="search">
        <form
          onSubmit={(event) => {
            event.preventDefault();
            const words = new FormData(event.currentTarget).get('q');
            if (typeof words === 'string' && words.trim() !== '')
              route(`/search?q=${encodeURIComponent(words.trim())}`);
          }}
        >
          <input
            type="search"
            name="q"
            id="search"
            aria-label="Search tasks, plans and handoffs"
            placeholder="Search"
            maxLength={200}
            autocomplete="off"
            enterkeyhint="search"
            defaultValue={query['q'] ?? ''}
          />
          <Icon name="search" size={18} />
          {keysWork.value && <span class="key">/</span>}
        </form>
      </search>
      <a class="button primary" href="/new">
        <Icon name="plus" size={18} />
        <span class="new-words">New task</span>
      </a>
    </header>
  );
}

export function ThemeButton(): JSX.Element {
  const icons = { system: 'system', light: 'sun', dark: 'moon' } as const;
  const words = { system: 'Theme: system', light: 'Theme: light', dark: 'Theme: dark' } as const;
  return (
    <button type="button" class="plain" onClick={nextTheme}>
      <Icon name={icons[theme.value]} size={18} />
      {words[theme.value]}
    </button>
  );
}

function PlaceLink({ place }: { readonly place: Place }): JSX.Element {
  const { path } = useLocation();
  const current = place.path === '/' ? path === '/' : path === place.path || path.startsWith(`${place.path}/`);
  return (
    <a href={place.path} aria-current={current ? 'page' : undefined}>
      <Icon name={place.icon} />
      {place.name}
      {place.path === '/approvals' && attention.value.length > 0 && (
        <span class="count">
          {attention.value.length}
          <span class="hidden-text"> waiting for you</span>
        </span>
      )}
      {place.path === '/' && running.value.length > 0 && (
        <span class="tally">
          {running.value.length}
          <span class="hidden-text"> running</span>
        </span>
      )}
    </a>
  );
}
