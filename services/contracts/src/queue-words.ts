import { confinementWords } from './confinement-words.ts';
import type { OpenBreaker, QueueState } from './queue-state.ts';

type Paused = NonNullable<QueueState['paused']>;

/** Who stopped the queue, when and why, in one line. Pure; a person's words come as they are. */
function pausedWords({ by, since, reason }: Paused): string {
  return `the queue is paused since ${since} by ${by}${reason === '' ? '' : `: ${reason}`}`;
}

/** What a breaker holds up, why, and when it is tried whether it goes again, in one line. Pure. */
function breakerWords(breaker: OpenBreaker): string {
  const { workspace, tool, state, error_class, failures, since, until } = breaker;
  const often = failures === 1 ? 'one failure' : `${failures} failures in a row`;
  const next = state === 'probing' ? 'one task tries now whether it goes again' : `one task may try again at ${until}`;
  return `the breaker of ${tool} in ${workspace} is open since ${since}, after ${often} (${error_class}); ${next}`;
}

/** Everything that holds up the queue or parts of it, each in one line; none when nothing does. Pure. */
export function queueWords({ paused, breakers, sandboxes = [] }: QueueState): string[] {
  const loose = sandboxes.filter(({ status }) => status !== 'confined');
  return [
    ...(paused === null ? [] : [pausedWords(paused)]),
    ...loose.map(confinementWords),
    ...breakers.map(breakerWords),
  ];
}
