import { createLogger } from '@countersign/kit/logger.ts';
import { runAgent } from '../agent/agent.ts';
import { agentPaths } from '../agent/paths.ts';

/** An agent as a process of its own, on the folders given as arguments: its memory can be looked at from outside. */
const [slot = '', model = '', workspace = '', temporary = '', sharedMemory = ''] = process.argv.slice(2);
const over = await runAgent(
  {
    paths: agentPaths({ slot, model, workspace, temporary, sharedMemory }),
    modelPort: 0,
    roomPort: 0,
    sweepScope: 'session',
    logger: createLogger('test', 'silent'),
    orphanMs: 60_000,
  },
  new AbortController().signal,
);
process.exit(over === 'acknowledged' ? 0 : 1);
