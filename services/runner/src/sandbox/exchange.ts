import { open } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ErrorClass } from '@countersign/contracts/event.ts';
import { encodeChunkFrame, encodeJsonFrame, FrameError } from '@countersign/contracts/frame-codec.ts';
import type { EndFrame, TaskFrame, TextFrame } from '@countersign/contracts/frames.ts';
import { endingLimits, frameLimits, resultLimits } from '@countersign/contracts/limits.ts';
import type { BasePack } from '../git/base-pack.ts';
import { type ReceivedFiles, Receiver } from './receiver.ts';
import { type Connection, ConnectionLostError, type Slot } from './slot.ts';

/** What is sent to a sandbox: the task, its texts and one pack per repository, in the task's order. */
export type Assignment = {
  readonly task: TaskFrame;
  readonly texts: readonly TextFrame[];
  readonly packs: readonly BasePack[];
};

export type Delivery = {
  readonly end: EndFrame;
  readonly summary: string | null;
  readonly handoff: string | null;
  readonly plan: string | null;
  readonly bundlePath: (repository: number) => string;
  readonly artifactPath: (index: number) => string;
};
export type ExchangeOutcome =
  | {
      readonly ok: true;
      readonly delivery: Delivery /** Lets the sandbox forget the result; only when it is safe here. */;
      readonly acknowledge: () => Promise<void>;
    }
  | { readonly ok: false; readonly errorClass: ErrorClass; readonly reason: string };

export type ExchangeOptions = {
  readonly slot: Slot;
  readonly assignment: Assignment;
  readonly files: ReceivedFiles;
  /** Why the sandbox will not come back, or null while it may; asked while nothing is heard of it. */
  readonly lost: () => Promise<string | null>;
  readonly progress: (line: string) => void;
  /** Told on each connection by which it is heard that the sandbox works on the task: by its first word, or by its greeting. */
  readonly begun?: () => void;
  /** Told how much standard output and error there is by now, in bytes. */
  readonly output?: (bytes: number) => void;
  /** False when the task may not be given to a sandbox that has not got it yet. */
  readonly mayAssign?: boolean;
  /** Aborted to end the attempt early; what was done so far is still collected. */
  readonly stop: AbortSignal;
  /** Aborted when this process ends; the sandbox keeps everything for the next one. */
  readonly leave: AbortSignal;
  readonly waits?: { readonly collectMs: number; readonly lostCheckMs: number };
};

const maximumProtocolErrors = 3;
/** A sandbox that keeps connecting costs the runner's time, and each new start of its task a whole pack. */
const maximumConnections = 500;
const maximumAssignments = 5;
const defaultWaits = { collectMs: endingLimits.collectMs, lostCheckMs: 2_000 };

/**
 * Gives a sandbox its task and takes its result, over as many connections as it needs. Either side may lose the connection at any
 * byte: the sandbox holds everything until it is acknowledged, and what is here already is not sent again. Rejects with the
 * reason of `leave`, and with an error of our own disk.
 */
export async function exchange(options: ExchangeOptions): Promise<ExchangeOutcome> {
  await using receiver = new Receiver(options.assignment.task, options.files);
  const watch = watchSandbox(options);
  let protocolErrors = 0;
  let connections = 0;
  let assignments = 0;
  let transfers = 1;
  try {
    for (;;) {
      const connection = await options.slot.nextConnection(watch.signal);
      if (connection.hello.state === 'idle' && (options.mayAssign === false || ++assignments > maximumAssignments))
        return { ok: false, errorClass: 'sandbox_lost', reason: 'the task did not reach its sandbox' };
      if (++connections > maximumConnections)
        return { ok: false, errorClass: 'protocol', reason: `more than ${maximumConnections} connections` };
      try {
        const end = await converse(
          connection,
          options,
          receiver,
          watch,
          () => ++transfers <= resultLimits.transferAttempts,
        );
        if (end !== null) return delivered(end, receiver, connection, options);
      } catch (error) {
        if (watch.signal.aborted) throw error;
        if (error instanceof FrameError) {
          if (++protocolErrors >= maximumProtocolErrors)
            return { ok: false, errorClass: 'protocol', reason: error.message };
        } else if (!(error instanceof ConnectionLostError)) throw error;
      }
      connection.close();
      // What it runs may have ended the agent and now speak in its place: nothing that comes later is believed.
      if (options.assignment.task.mode === 'verify')
        return {
          ok: false,
          errorClass: 'sandbox_lost',
          reason: 'the connection was lost while conditions were checked',
        };
    }
  } catch (error) {
    const verdict = watch.verdict();
    if (verdict !== null) return verdict;
    options.leave.throwIfAborted();
    throw error;
  } finally {
    watch.stop();
  }
}

/** One connection, from hello to its end; returns the end frame when everything that it announces is here. */
async function converse(
  connection: Connection,
  options: ExchangeOptions,
  receiver: Receiver,
  watch: SandboxWatch,
  mayAskAgain: () => boolean,
): Promise<EndFrame | null> {
  const { assignment, stop } = options;
  watch.heard(connection);
  const sendStop = () =>
    void connection.send(encodeJsonFrame('stop', { reason: String(stop.reason) })).catch(() => connection.close());
  let isAtWork = connection.hello.state !== 'idle';
  if (!isAtWork) await assign(connection, assignment);
  else if (connection.hello.task !== assignment.task.task)
    throw new FrameError('bad-shape', 'the sandbox serves another task');
  else {
    options.begun?.();
    await connection.send(encodeJsonFrame('resend', await receiver.held()));
  }
  stop.addEventListener('abort', sendStop, { once: true });
  if (stop.aborted) sendStop();
  try {
    for await (const frame of connection.frames) {
      if (!isAtWork) options.begun?.();
      isAtWork = true;
      const taken = await receiver.take(frame);
      if (taken.progress !== undefined) options.progress(taken.progress);
      if (taken.output !== undefined) options.output?.(taken.output);
      if (taken.end === undefined) continue;
      if (await receiver.isComplete(taken.end)) return taken.end;
      if (!mayAskAgain()) throw new FrameError('bad-chunk', 'the result does not match its digests');
      await connection.send(encodeJsonFrame('resend', await receiver.held()));
    }
    return null;
  } finally {
    stop.removeEventListener('abort', sendStop);
    watch.silent();
  }
}

async function assign(connection: Connection, assignment: Assignment): Promise<void> {
  const texts = assignment.texts.map((text) => encodeJsonFrame('text', text));
  await connection.send(Buffer.concat([encodeJsonFrame('task', assignment.task), ...texts]));
  for (const [index, pack] of assignment.packs.entries()) await sendPack(connection, index, pack);
}

async function sendPack(connection: Connection, index: number, pack: BasePack): Promise<void> {
  await using file = await open(pack.path, 'r');
  const buffer = Buffer.alloc(frameLimits.chunkBytes);
  for (let offset = 0; offset < pack.bytes; ) {
    const { bytesRead } = await file.read(buffer, 0, buffer.length, offset);
    if (bytesRead === 0) throw new Error(`${pack.path} is shorter than it was`);
    await connection.send(encodeChunkFrame('pack', { index, offset, data: buffer.subarray(0, bytesRead) }));
    offset += bytesRead;
  }
}

function delivered(
  end: EndFrame,
  receiver: Receiver,
  connection: Connection,
  options: ExchangeOptions,
): ExchangeOutcome {
  const { summary, handoff, plan } = receiver;
  const delivery = {
    end,
    summary,
    handoff,
    plan,
    bundlePath: (repository: number) => receiver.bundlePath(repository),
    artifactPath: (index: number) => receiver.artifactPath(index),
  };
  const acknowledge = async () => {
    // A sandbox that does not get this is removed all the same; the frame only spares it the signals.
    await connection.send(encodeJsonFrame('ack', { task: options.assignment.task.task })).catch(() => undefined);
    connection.close();
  };
  return { ok: true, delivery, acknowledge };
}

type SandboxWatch = {
  readonly signal: AbortSignal;
  heard(connection: Connection): void;
  silent(): void;
  verdict(): ExchangeOutcome | null;
  stop(): void;
};

/** Gives up when the sandbox is gone, or does not end within its waits after a stop; closes the connection that hangs then. */
function watchSandbox(options: ExchangeOptions): SandboxWatch {
  const controller = new AbortController();
  const finished = new AbortController();
  let verdict: ExchangeOutcome | null = null;
  let open: Connection | null = null;
  const giveUp = (reason: string) => {
    verdict = { ok: false, errorClass: 'sandbox_lost', reason };
    controller.abort(new Error(reason));
    open?.close();
  };
  const leave = () => {
    controller.abort(options.leave.reason);
    open?.close();
  };
  options.leave.addEventListener('abort', leave, { once: true });
  if (options.leave.aborted) leave();

  const { interrupt_ms, terminate_ms } = options.assignment.task;
  const { collectMs, lostCheckMs } = options.waits ?? defaultWaits;
  const patienceMs = interrupt_ms + terminate_ms + collectMs;
  let deadline: NodeJS.Timeout | undefined;
  const startDeadline = () => {
    deadline = setTimeout(() => giveUp(`the sandbox did not end within ${patienceMs} ms of being stopped`), patienceMs);
  };
  options.stop.addEventListener('abort', startDeadline, { once: true });
  if (options.stop.aborted) startDeadline();

  const look = async () => {
    let misses = 0;
    while (!finished.signal.aborted && !controller.signal.aborted) {
      await sleep(lostCheckMs, undefined, { signal: finished.signal }).catch(() => undefined);
      if (finished.signal.aborted || open?.isOpen === true) continue;
      const reason = await options.lost();
      // A sandbox that has just ended may still have its last bytes in the connection: two looks in a row decide.
      misses = reason === null ? 0 : misses + 1;
      if (reason !== null && misses >= 2) giveUp(reason);
    }
  };
  look().catch((error: unknown) => giveUp(`looking after the sandbox failed: ${String(error)}`));

  return {
    signal: controller.signal,
    heard: (connection) => {
      open = connection;
    },
    silent: () => {
      open = null;
    },
    verdict: () => verdict,
    stop: () => {
      finished.abort();
      clearTimeout(deadline);
      options.leave.removeEventListener('abort', leave);
      options.stop.removeEventListener('abort', startDeadline);
    },
  };
}
