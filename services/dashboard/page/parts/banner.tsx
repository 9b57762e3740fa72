import { queueWords } from '@countersign/contracts/queue-words.ts';
import type { JSX } from 'preact';
import { connection } from '../api/stream.ts';
import { queue, troubles } from '../state/store.ts';
import { Foreign } from './foreign.tsx';
import { Mark } from './status.tsx';

const troubleWords = {
  ok: 'is well',
  waiting: 'is not up to date, so that what you see may be old',
  failing: 'fails',
  silent: 'does not answer',
} as const;

/** What is wrong with what one sees, or with what one may do, on every page. */
export function Banner(): JSX.Element {
  // The dashboard waits for its own index: until it is there, what is shown stands still.
  const told = troubles.value.filter(({ name, status }) => status !== 'waiting' || name === 'dashboard');
  const paused = queue.value?.paused ?? null;
  return (
    <div class="banner" role="status" aria-live="polite">
      {connection.value === 'lost' && (
        <div class="lost">
          <Mark shape="cross" />
          {navigator.onLine
            ? 'The server does not answer. What you see may be old; this page comes back by itself.'
            : 'You are offline. What you see may be old; this page comes back by itself.'}
        </div>
      )}
      {connection.value !== 'lost' &&
        told.map(({ name, status, reason }) => (
          <div key={name}>
            <Mark shape={status === 'failing' ? 'cross' : 'slash'} />
            <span>
              <Foreign text={name} /> {troubleWords[status]}
              {reason !== '' && (
                <>
                  : <Foreign text={reason} />
                </>
              )}{' '}
              <a href="/services">Services</a>
            </span>
          </div>
        ))}
      {paused !== null && (
        <div>
          <Mark shape="pause" />
          <span>
            The queue is paused
            {paused.reason !== '' && (
              <>
                : <Foreign text={paused.reason} />
              </>
            )}
          </span>
        </div>
      )}
      {queueWords({ version: 1, breakers: [], ...queue.value, paused: null }).map((words) => (
        <div key={words}>
          <Mark shape="slash" />
          <span>
            <Foreign text={words} />
          </span>
        </div>
      ))}
      {queue.value?.code === 'missing' && (
        <div>
          <Mark shape="diamond" />
          <span>
            Nobody has enrolled a one-time code, so a stage that asks for one cannot be decided here:{' '}
            <code>countersign enrol-code</code>
          </span>
        </div>
      )}
    </div>
  );
}
