import type { Session, Sessions } from '@countersign/contracts/page-api.ts';
import type { JSX } from 'preact';
import { remove, signedOut } from '../api/client.ts';
import { forgetResources, useResource } from '../api/resource.ts';
import { Answer } from '../parts/answer.tsx';
import { Foreign } from '../parts/foreign.tsx';
import { Head } from '../parts/head.tsx';
import { Icon } from '../parts/icon.tsx';
import { further, ThemeButton } from '../parts/navigation.tsx';
import { QueueControl } from '../parts/queue-control.tsx';
import { Ago } from '../parts/time.tsx';
import { keysWork, setKeysWork } from '../state/keys.ts';

/** What has no room at the bottom of a phone, and who is signed in. */
export function More(): JSX.Element {
  const known = useResource<Session>('/api/session');
  const sessions = useResource<Sessions>('/api/sessions');
  const end = (id: string): void => {
    void remove(`/api/sessions/${encodeURIComponent(id)}`).then(sessions.refresh, sessions.refresh);
  };
  return (
    <>
      <Head title="More" tab="More" />
      <div class="columns">
        <nav class="sheet places" aria-label="Further pages">
          {further.map(({ path, name, icon }) => (
            <a key={path} href={path}>
              <Icon name={icon} />
              {name}
            </a>
          ))}
        </nav>
        <section class="sheet" aria-label="Sessions">
          <header>
            <h2>Signed in</h2>
            <button type="button" onClick={signOut}>
              <Icon name="out" size={18} />
              Sign out
            </button>
          </header>
          <Answer of={sessions}>
            {(data) => (
              <ul>
                {data.sessions.map(({ id, host, client, opened_at: opened, used_at: used, own }) => (
                  <li key={id} class="task-line session">
                    <strong>
                      <Foreign text={client} />
                    </strong>
                    {own ? (
                      <span class="tag">this one</span>
                    ) : (
                      <button type="button" class="plain danger" onClick={() => end(id)}>
                        End
                        <span class="hidden-text">
                          {' '}
                          the session of <Foreign text={client} />
                        </span>
                      </button>
                    )}
                    <span class="reason">
                      <Foreign text={host} />, opened <Ago at={opened} />, used <Ago at={used} />
                    </span>
                  </li>
                ))}
              </ul>
            )}
          </Answer>
        </section>
        <section class="sheet body-sheet stack" aria-label="Queue, theme and keys">
          <QueueControl />
          <ThemeButton />
          <label class="check small">
            <input
              type="checkbox"
              checked={keysWork.value}
              onChange={(event) => setKeysWork(event.currentTarget.checked)}
            />
            <span>
              Single keys lead to pages and tasks; <kbd>?</kbd> lists them
            </span>
          </label>
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

function signOut(): void {
  forgetResources();
  void remove('/api/session').then(
    () => {
      signedOut.value = true;
    },
    () => {},
  );
}
