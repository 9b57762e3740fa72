import type { Session } from '@countersign/contracts/page-api.ts';
import type { JSX } from 'preact';
import { post, signedOut } from '../api/client.ts';
import { forgetResources, useResource } from '../api/resource.ts';
import { Head } from '../parts/head.tsx';
import { Icon } from '../parts/icon.tsx';
import { further, ThemeButton } from '../parts/navigation.tsx';
import { QueueControl } from '../parts/queue-control.tsx';
import { Ago } from '../parts/time.tsx';

/** What has no room at the bottom of a phone. */
export function More(): JSX.Element {
  const known = useResource<Session>('/api/session');
  return (
    <>
      <Head title="More" tab="More" />
      <div class="stack">
        <nav class="sheet places" aria-label="Further pages">
          {further.map(({ path, name, icon }) => (
            <a key={path} href={path}>
              <Icon name={icon} />
              {name}
            </a>
          ))}
        </nav>
        <section class="sheet body-sheet stack">
          <QueueControl />
          <ThemeButton />
          <button
            type="button"
            class="plain"
            onClick={() => {
              forgetResources();
              void post('/api/logout', {}, crypto.randomUUID()).then(
                () => {
                  signedOut.value = true;
                },
                () => {},
              );
            }}
          >
            <Icon name="out" size={18} />
            Sign out
          </button>
          {known.data.value !== null && (
            <p class="soft small">
              Version {known.data.value.version}. This session ends <Ago at={known.data.value.expires_at} />.
            </p>
          )}
        </section>
      </div>
    </>
  );
}
