import { setTimeout as wait } from 'node:timers/promises';
import { sandboxLimits } from '@countersign/contracts/limits.ts';
import type { Logger } from '@countersign/kit/logger.ts';
import type { AttemptOptions } from './attempt.ts';
import { forwardSocket } from './forwarder.ts';
import { connectTo } from './frame-connection.ts';
import { Session } from './session.ts';

export type AgentOptions = Omit<AttemptOptions, 'modelPort' | 'logger'> & {
  /** Where the sandbox's local Ollama is; 0 takes a free port. */
  readonly modelPort: number;
  /** Where the task's own Matrix is; as above. */
  readonly roomPort: number;
  readonly logger: Logger;
  /** How long it stays without a runner, when it has nothing to deliver, in milliseconds. */
  readonly orphanMs: number;
};

/**
 * The process of a sandbox: connects, waits for its one task, does it, and holds the result until the runner has it.
 * @param stop a request to end, from whoever started the container
 * @returns why it is over
 */
export async function runAgent(
  options: AgentOptions,
  stop: AbortSignal,
): Promise<'acknowledged' | 'stopped' | 'orphaned'> {
  const model = await forwardSocket(options.paths.modelSocket, options.modelPort);
  const room = await forwardSocket(options.paths.roomSocket, options.roomPort);
  const address = model.address();
  const modelPort = typeof address === 'object' && address !== null ? address.port : options.modelPort;
  const session = new Session({ ...options, modelPort }, options.logger);
  stop.addEventListener('abort', () => session.stop(String(stop.reason)), { once: true });
  if (stop.aborted) session.stop(String(stop.reason));
  try {
    return await stayConnected(session, options);
  } finally {
    model.close();
    room.close();
  }
}

async function stayConnected(
  session: Session,
  options: AgentOptions,
): Promise<'acknowledged' | 'stopped' | 'orphaned'> {
  let lastContact = performance.now();
  for (;;) {
    if (session.over !== undefined) return session.over;
    const connection = await connectTo(options.paths.controlSocket, session.finished);
    if (connection !== undefined) {
      await session.serve(connection);
      lastContact = performance.now();
    } else if (session.state === 'idle' && performance.now() - lastContact > options.orphanMs) return 'orphaned';
    await wait(sandboxLimits.reconnectMs, undefined, { signal: session.finished }).catch(() => undefined);
  }
}
