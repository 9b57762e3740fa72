import { sandboxLimits } from '@countersign/contracts/limits.ts';
import { createLogger } from '@countersign/kit/logger.ts';
import { runAgent } from './agent/agent.ts';
import { agentPaths } from './agent/paths.ts';
import { detectSweepScope } from './agent/sweep.ts';
import { checkImage } from './check.ts';
import { hideMemory } from './hide-memory.ts';

const modelPort = 11434;
const roomPort = 8008;

/** However often it is signalled, the agent saves and sends first; SIGKILL is what ends it against its will. */
function stopSignal(): AbortSignal {
  const controller = new AbortController();
  for (const name of ['SIGTERM', 'SIGINT'] as const) process.on(name, () => controller.abort(`by ${name}`));
  return controller.signal;
}

// Before anything of a task's runs.
hideMemory();
if (process.argv[2] === '--check') {
  process.stdout.write(`${JSON.stringify(await checkImage())}\n`);
} else {
  const logger = createLogger('sandbox-agent', 'info');
  const own = { workspace: '/workspace', temporary: '/tmp', sharedMemory: '/dev/shm' };
  const paths = agentPaths({ slot: '/slot', model: '/model', ...own });
  const sweepScope = await detectSweepScope();
  const options = { paths, modelPort, roomPort, sweepScope, logger, orphanMs: sandboxLimits.orphanMs };
  const over = await runAgent(options, stopSignal());
  logger.info({ over, sweepScope }, 'ended');
  process.exit(0);
}
