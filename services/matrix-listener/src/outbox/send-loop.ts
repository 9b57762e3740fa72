import type { MatrixEventId } from '@countersign/contracts/matrix-names.ts';
import type { Logger } from '@countersign/kit/logger.ts';
import type { Homeserver } from '../adapters/matrix.ts';
import { Backoff } from '../backoff.ts';
import { HomeserverError } from '../homeserver-error.ts';
import { withMark } from '../message/mark.ts';
import { pause } from '../pause.ts';
import type { ListenerState, Outgoing } from '../state/listener-state.ts';
import type { StateFile } from '../state/state-file.ts';
import type { Troubles } from '../troubles.ts';

type Parts = {
  readonly state: StateFile;
  readonly homeserver: Pick<Homeserver, 'send'>;
  readonly troubles: Troubles;
  readonly logger: Logger;
};

/** Nothing is to be done for so long unless the state changes. */
const idleMs = 60_000;

/**
 * Sends what waits, one after the other. Invariant: a message leaves the queue in the update that records it as sent. When that
 * is not reached, it is sent again under the same transaction, or found in the room by its mark: there is one of it.
 */
export async function sendLoop({ state, homeserver, troubles, logger }: Parts, stop: AbortSignal): Promise<void> {
  const backoff = new Backoff();
  while (!stop.aborted) {
    const changed = state.changed;
    const next = state.now.outgoing[0];
    if (next === undefined) {
      // What could not be sent need not be any more.
      troubles.clear('send');
      await pause(idleMs, stop, changed);
      continue;
    }
    try {
      const event = await homeserver.send(next.key, withMark(next), stop);
      await state.update((draft) => recordSent(draft, next, event, null));
      backoff.reset();
      troubles.clear('send');
    } catch (error) {
      if (stop.aborted) return;
      const about = { message: next.key, error: describe(error) };
      if (error instanceof HomeserverError && error.code === 'refused') {
        logger.error(about, 'the homeserver does not take a message');
        if (next.request === null) troubles.clear('send');
        else troubles.set('send', 'failing', `the homeserver does not take a request for approval: ${about.error}`);
        // When that cannot be kept, it is found out again.
        await state.update((draft) => putBehind(draft, next)).catch(() => undefined);
      } else {
        troubles.set('send', 'waiting', `messages wait to be posted: ${about.error}`);
        logger.warn(about, 'a message could not be sent; it is tried again');
      }
      await pause(backoff.after(error), stop);
    }
  }
}

/**
 * Notes that a message is in the room.
 * @param shown the place among what the room has shown, when it was seen there
 */
export function recordSent(
  state: ListenerState,
  sent: Pick<Outgoing, 'key' | 'request'>,
  event: MatrixEventId,
  shown: number | null,
): void {
  const wasQueued = remove(state, sent.key);
  const known = state.gates.find((gate) => gate.event === event);
  if (known !== undefined) known.seen ??= shown;
  // A request that left the queue while it was being sent is not asked for any more.
  else if (sent.request !== null) state.gates.push({ ...sent.request, event, seen: shown, closed: !wasQueued });
}

/** What the homeserver does not take holds up nothing: a request is tried again behind the others, anything else is left out. */
function putBehind(state: ListenerState, refused: Outgoing): void {
  const isWaiting = remove(state, refused.key);
  if (isWaiting && refused.request !== null) state.outgoing.push(refused);
}

function remove(state: ListenerState, key: string): boolean {
  const before = state.outgoing.length;
  state.outgoing = state.outgoing.filter((waiting) => waiting.key !== key);
  return state.outgoing.length < before;
}

function describe(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
