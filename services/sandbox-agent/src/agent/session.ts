import { decodeJson, encodeJsonFrame, type Frame, FrameError } from '@countersign/contracts/frame-codec.ts';
import {
  AckFrame,
  type HelloFrame,
  ResendFrame,
  StopFrame,
  TaskFrame,
  TextFrame,
} from '@countersign/contracts/frames.ts';
import { sandboxLimits } from '@countersign/contracts/limits.ts';
import type { Logger } from '@countersign/kit/logger.ts';
import { Attempt, type AttemptOptions } from './attempt.ts';
import { emptyFolder } from './checkout.ts';
import type { FrameConnection } from './frame-connection.ts';
import { IncomingTask } from './incoming-task.ts';

type State =
  | { readonly status: 'idle' }
  | { readonly status: 'receiving'; readonly incoming: IncomingTask }
  | { readonly status: 'working'; readonly attempt: Attempt };

/**
 * What a sandbox is in the middle of, across connections. Every frame is answered here, one after the other; sending goes on
 * beside it. Invariants: one task in a lifetime; one connection at a time; on a connection that did not bring the task itself,
 * nothing is delivered before the runner's `resend`.
 */
export class Session {
  readonly #options: AttemptOptions;
  readonly #logger: Logger;
  readonly #finished = new AbortController();
  #state: State = { status: 'idle' };
  #over: 'acknowledged' | 'stopped' | undefined;

  constructor(options: AttemptOptions, logger: Logger) {
    this.#options = options;
    this.#logger = logger;
  }

  get over(): 'acknowledged' | 'stopped' | undefined {
    return this.#over;
  }

  /** Aborted when the sandbox has nothing more to do. */
  get finished(): AbortSignal {
    return this.#finished.signal;
  }

  get state(): HelloFrame['state'] {
    return this.#state.status === 'working' ? this.#state.attempt.state : 'idle';
  }

  stop(reason: string): void {
    if (this.#state.status === 'working') this.#state.attempt.stop(reason);
    else this.#finish('stopped');
  }

  /** Speaks to the runner until one of the two ends the connection. */
  async serve(connection: FrameConnection): Promise<void> {
    const close = () => connection.close();
    this.finished.addEventListener('abort', close, { once: true });
    const link = new Link(connection, this.#logger);
    try {
      const task = this.#state.status === 'working' ? this.#state.attempt.frame.task : null;
      await connection.send(encodeJsonFrame('hello', { protocol: 1, state: this.state, task } satisfies HelloFrame));
      for await (const frame of connection.frames()) {
        await this.#take(frame, connection, link);
        if (this.#over !== undefined) break;
      }
    } catch (error) {
      if (error instanceof FrameError)
        this.#logger.warn({ err: error }, 'connection closed: the runner broke the protocol');
      else if (!connection.closed.aborted) this.#logger.warn({ err: error }, 'connection failed');
    } finally {
      this.finished.removeEventListener('abort', close);
      connection.close();
      await link.ended;
      await this.#dropIncoming();
    }
  }

  async #take(frame: Frame, connection: FrameConnection, link: Link): Promise<void> {
    switch (frame.name) {
      case 'task':
        return await this.#takeTask(decodeJson(frame.payload, TaskFrame), connection, link);
      case 'text':
        this.#incoming(frame).takeText(decodeJson(frame.payload, TextFrame));
        return await this.#startWhenComplete(connection, link);
      case 'pack':
        await this.#incoming(frame).takePack(frame.payload);
        return await this.#startWhenComplete(connection, link);
      case 'stop':
        return this.stop(decodeJson(frame.payload, StopFrame).reason);
      case 'ack':
        return this.#takeAck(frame);
      case 'resend': {
        const held = decodeJson(frame.payload, ResendFrame);
        const attempt = this.#attempt(frame, held.task);
        attempt.delivery.resume(held);
        return link.deliver(attempt);
      }
      default:
        throw new FrameError('wrong-direction', `a ${frame.name} frame may not be sent here`);
    }
  }

  async #takeTask(frame: TaskFrame, connection: FrameConnection, link: Link): Promise<void> {
    if (this.#state.status !== 'idle') throw new FrameError('bad-shape', 'a second task');
    await emptyFolder(this.#options.paths.spool);
    this.#state = { status: 'receiving', incoming: await IncomingTask.open(frame, this.#options.paths.spool) };
    connection.limitSilence(sandboxLimits.taskSilenceMs);
    await this.#startWhenComplete(connection, link);
  }

  async #startWhenComplete(connection: FrameConnection, link: Link): Promise<void> {
    if (this.#state.status !== 'receiving') return;
    const received = await this.#state.incoming.complete();
    if (received === undefined) return;
    connection.limitSilence(0);
    const attempt = new Attempt(received, this.#options);
    this.#state = { status: 'working', attempt };
    link.deliver(attempt);
    void attempt.run();
  }

  #takeAck(frame: Frame): void {
    const attempt = this.#attempt(frame, decodeJson(frame.payload, AckFrame).task);
    if (attempt.state !== 'ended') throw new FrameError('bad-shape', 'an ack of what was not sent');
    this.#finish('acknowledged');
  }

  #incoming(frame: Frame): IncomingTask {
    if (this.#state.status === 'receiving') return this.#state.incoming;
    throw new FrameError('bad-shape', `a ${frame.name} frame without its task`);
  }

  #attempt(frame: Frame, task: string): Attempt {
    if (this.#state.status === 'working' && this.#state.attempt.frame.task === task) return this.#state.attempt;
    throw new FrameError('bad-shape', `a ${frame.name} frame of another task`);
  }

  async #dropIncoming(): Promise<void> {
    if (this.#state.status !== 'receiving') return;
    const { incoming } = this.#state;
    this.#state = { status: 'idle' };
    await incoming.close();
    await emptyFolder(this.#options.paths.spool);
  }

  #finish(over: 'acknowledged' | 'stopped'): void {
    this.#over ??= over;
    this.#finished.abort();
  }
}

/** The sending half of one connection. */
class Link {
  readonly #connection: FrameConnection;
  readonly #logger: Logger;
  #sending: Promise<void> | undefined;

  constructor(connection: FrameConnection, logger: Logger) {
    this.#connection = connection;
    this.#logger = logger;
  }

  get ended(): Promise<void> {
    return this.#sending ?? Promise.resolve();
  }

  /** Sends what there is and what comes, until the connection ends; a second call changes nothing. */
  deliver(attempt: Attempt): void {
    this.#sending ??= this.#send(attempt).catch((error: unknown) => {
      if (!this.#connection.closed.aborted) this.#logger.error({ err: error }, 'sending failed');
      this.#connection.close();
    });
  }

  async #send({ delivery }: Attempt): Promise<void> {
    for (;;) await this.#connection.send(await delivery.next(this.#connection.closed));
  }
}
