import type { Session } from '@countersign/contracts/page-api.ts';
import type { JSX } from 'preact';
import { useEffect } from 'preact/hooks';
import { get, session } from '../api/client.ts';
import { Icon } from '../parts/icon.tsx';

/** Says how to get in. Comes back by itself where the link was opened in another tab. */
export function SignedOut(): JSX.Element {
  useEffect(() => {
    document.title = 'Sign in · Countersign';
    const look = (): void => {
      if (!document.hidden)
        void get<Session>('/api/session').then(
          (found) => {
            session.value = found;
            location.reload();
          },
          () => {},
        );
    };
    document.addEventListener('visibilitychange', look);
    addEventListener('focus', look);
    return () => {
      document.removeEventListener('visibilitychange', look);
      removeEventListener('focus', look);
    };
  }, []);
  return (
    <main class="sign-in">
      <div class="sheet card">
        <span class="brand">
          <Icon name="approvals" size={28} />
          Countersign
        </span>
        <h1>You are not signed in</h1>
        <p>There is no password. A link signs you in; it holds a secret, so keep it to yourself.</p>
        <ol class="steps">
          <li>
            On the machine that runs the stack: <code>scripts/up</code> prints the link. So does{' '}
            <code>scripts/up --json</code>, as <code>dashboard</code>.
          </li>
          <li>Open the link in this browser.</li>
        </ol>
        <p class="soft small">
          A session ends by itself when nothing was asked for half an hour, and after twelve hours.
        </p>
        <div>
          <button type="button" onClick={() => location.reload()}>
            I have opened it
          </button>
        </div>
      </div>
    </main>
  );
}
