import { type Command, drained, type Ended, type RunningProcess, startProcess } from '../process.ts';
import { stopTool } from './stop-tool.ts';
import { sweep } from './sweep.ts';
import type { Workplace } from './workplace.ts';

type Stoppable = {
  readonly ended: Ended;
  /** The stop came before its own end. */
  readonly stopped: boolean;
  /** False when something that it started could not be killed. */
  readonly swept: boolean;
};

/**
 * Runs a stranger's program until it ends by itself or is stopped; nothing that it has started lives on when this returns.
 * @param take reads both of its outputs to their ends
 */
export async function runStoppable(
  command: Command,
  { received: { frame }, sweepScope, stop, logger }: Workplace,
  take: (running: RunningProcess) => Promise<unknown>,
): Promise<Stoppable> {
  const running = startProcess(command);
  const captured = take(running);
  const waits = { interruptMs: frame.interrupt_ms, terminateMs: frame.terminate_ms };
  const asked = Promise.withResolvers<void>();
  const ask = () => asked.resolve();
  stop.addEventListener('abort', ask, { once: true });
  if (stop.aborted) ask();
  let stopped = false;
  const ended = await Promise.race([
    running.ended,
    asked.promise.then(() => {
      stopped = true;
      return stopTool(running, waits);
    }),
  ]);
  stop.removeEventListener('abort', ask);
  // Nothing of the program's may change the work while it is collected, or while the next one runs.
  running.signal('SIGKILL');
  const swept = running.pid === undefined || (await sweep(sweepScope, running.pid));
  if (!swept) logger.error({ task: frame.task }, 'processes of a task could not be killed');
  await drained(running);
  await captured;
  return { ended, stopped, swept };
}
