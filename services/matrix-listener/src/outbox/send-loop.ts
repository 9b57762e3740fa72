import type { MatrixEventId } from '@countersign/contracts/matrix-names.ts';
import type { Logger } from '@countersign/kit/logger.ts';
import type { Homeserver, Post } from '../adapters/matrix.ts';
import { Backoff } from '../backoff.ts';
import { HomeserverError } from '../homeserver-error.ts';
import { listenerLimits } from '../limits.ts';
import { withMark } from '../message/mark.ts';
import { withdrawn } from '../message/standing.ts';
import { pause } from '../pause.ts';
import { type ListenerState, newGate, type Outgoing, type QueuedFile } from '../state/listener-state.ts';
import type { StateFile } from '../state/state-file.ts';
import type { Troubles } from '../troubles.ts';
import { type Edit, nextEdit } from './next-edit.ts';
import { FileError, type FilePosts } from './post-file.ts';

type Parts = {
  readonly state: StateFile;
  readonly homeserver: Pick<Homeserver, 'send'>;
  readonly files: Pick<FilePosts, 'make'>;
  readonly troubles: Troubles;
  readonly logger: Logger;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** Milliseconds of a clock that does not go back. */
  readonly clock?: () => number;
};

/** Nothing is to be done for so long unless the state changes. */
const idleMs = 60_000;

/** One thing to be posted, and what of it is kept. */
type Work = {
  /** @throws as `FilePosts.make` does */
  readonly post: (parts: Parts, stop: AbortSignal) => Post | Promise<Post>;
  readonly key: string;
  readonly isEdit: boolean;
  /** Whether it asks for a decision: that the homeserver does not take it is then told. */
  readonly isRequest: boolean;
  readonly sent: (draft: ListenerState, event: MatrixEventId) => void;
  /** The homeserver does not take it. */
  readonly refused: (draft: ListenerState) => void;
};

/**
 * Sends what waits, one after the other, and when nothing does, edits the messages that no longer say how things stand. Invariant: a
 * message leaves the queue in the update that records it as sent. When that is not reached, it is sent again under the same
 * transaction, or found in the room by its mark: there is one of it. An edit that is made twice changes nothing.
 */
export async function sendLoop(parts: Parts, stop: AbortSignal): Promise<void> {
  const { state, troubles, now, clock = () => performance.now() } = parts;
  const backoff = new Backoff();
  let editFrom = Number.NEGATIVE_INFINITY;
  while (!stop.aborted) {
    const changed = state.changed;
    const work = nextWork(state.now, now());
    if ('inMs' in work) {
      // What could not be sent need not be any more.
      troubles.clear('send');
      await pause(Math.min(work.inMs, idleMs), stop, changed);
      continue;
    }
    const earlyMs = work.isEdit ? editFrom - clock() : 0;
    if (earlyMs > 0) {
      await pause(earlyMs, stop, changed);
      continue;
    }
    const error = await send(parts, work, stop);
    if (work.isEdit) editFrom = clock() + listenerLimits.editPauseMs;
    if (error === null) backoff.reset();
    else await pause(backoff.after(error), stop);
  }
}

function nextWork(state: ListenerState, now: number): Work | { readonly inMs: number } {
  const [message] = state.outgoing;
  if (message !== undefined) return sending(message);
  const edit = nextEdit(state, now);
  return 'inMs' in edit ? edit : editing(edit);
}

function sending(next: Outgoing): Work {
  return {
    post: ({ files, state }, stop) => (isFile(next) ? files.make(next, state.now, stop) : next),
    key: next.key,
    isEdit: false,
    isRequest: next.request !== null,
    sent: (draft, event) => recordSent(draft, next, event, null),
    refused: (draft) => putBehind(draft, next),
  };
}

function editing({ gate, text, post }: Edit): Work {
  const record = (draft: ListenerState) => recordEdit(draft, gate.event, text);
  return { post: () => post, key: post.key, isEdit: true, isRequest: false, sent: record, refused: record };
}

/** @returns null, or what went wrong, after which there is to be a pause */
async function send(parts: Parts, work: Work, stop: AbortSignal): Promise<unknown> {
  const { state, homeserver, troubles, logger } = parts;
  try {
    const post = await work.post(parts, stop);
    if (stop.aborted) return null;
    const event = await homeserver.send(withMark(post), stop);
    await state.update((draft) => work.sent(draft, event));
    troubles.clear('send');
    return null;
  } catch (error) {
    if (stop.aborted) return null;
    const about = { message: work.key, error: describe(error) };
    if (error instanceof FileError) {
      logger.warn(about, error.code === 'later' ? 'a file waits to be posted' : 'a file is not posted');
      troubles.clear('send');
      await state.update((draft) => leave(draft, work.key, error.code)).catch(() => undefined);
      return error.cause ?? error;
    }
    if (error instanceof HomeserverError && error.code === 'refused') {
      logger.error(about, 'the homeserver does not take a message');
      if (work.isRequest)
        troubles.set('send', 'failing', `the homeserver does not take a request for approval: ${about.error}`);
      else troubles.clear('send');
      // When that cannot be kept, it is found out again.
      await state.update(work.refused).catch(() => undefined);
    } else {
      troubles.set('send', 'waiting', `messages wait to be posted: ${about.error}`);
      logger.warn(about, 'a message could not be sent; it is tried again');
    }
    return error;
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
  else if (sent.request !== null) {
    const gate = newGate(sent.request, event, shown);
    state.gates.push(wasQueued ? gate : { ...gate, closed: true, standing: withdrawn });
  }
}

function recordEdit(state: ListenerState, event: MatrixEventId, text: string): void {
  const gate = state.gates.find((each) => each.event === event);
  if (gate !== undefined) Object.assign(gate, { edited: text, edits: gate.edits + 1 });
}

/** What the homeserver does not take holds up nothing: a request is tried again behind the others, anything else is left out. */
function putBehind(state: ListenerState, refused: Outgoing): void {
  const isWaiting = remove(state, refused.key);
  if (!isWaiting || refused.request === null) return;
  const ofIt = ({ file }: Outgoing) => file?.of === refused.key;
  const files = state.outgoing.filter(ofIt);
  state.outgoing = [...state.outgoing.filter((waiting) => !ofIt(waiting)), refused, ...files];
}

function isFile(message: Outgoing): message is Outgoing & { file: QueuedFile } {
  return message.file !== undefined;
}

/** A file that is not posted now goes behind everything else, or is left out. */
function leave(state: ListenerState, key: string, code: FileError['code']): void {
  const file = state.outgoing.find((waiting) => waiting.key === key);
  if (remove(state, key) && file !== undefined && code === 'later') state.outgoing.push(file);
}

function remove(state: ListenerState, key: string): boolean {
  const before = state.outgoing.length;
  state.outgoing = state.outgoing.filter((waiting) => waiting.key !== key);
  return state.outgoing.length < before;
}

function describe(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
