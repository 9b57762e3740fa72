import { type ConfinementAspect, confinementExit } from '@countersign/contracts/confinement.ts';
import type { Attempt } from './attempt.ts';
import { capabilities } from './capabilities.ts';
import { hostPaths } from './host-paths.ts';
import { names } from './names.ts';
import { network } from './network.ts';
import { sockets } from './sockets.ts';
import { writableRoot } from './writable-root.ts';

const untried = 2;

/** Tries one aspect from inside a sandbox: `main <aspect> <runc|runsc>`. Says each leak in a line, and in its exit code what came of it. */
async function tryAspect(aspect: string, runtime: string): Promise<number> {
  const isKnown = runtime === 'runc' || runtime === 'runsc';
  const attempts: Readonly<Record<ConfinementAspect, readonly Attempt[]>> = {
    network,
    names,
    sockets,
    'host-paths': isKnown ? hostPaths(runtime) : [],
    capabilities: isKnown ? capabilities(runtime) : [],
    'writable-root': writableRoot,
  };
  const own = Object.hasOwn(attempts, aspect) ? attempts[aspect as ConfinementAspect] : [];
  const ended = await Promise.all(
    own.map(async ({ what, make }) => {
      try {
        const reached = await make();
        if (reached !== null) process.stdout.write(`leak: ${what}: ${reached}\n`);
        return reached === null ? confinementExit.held : confinementExit.leaks;
      } catch (error) {
        process.stdout.write(`not tried: ${what}: ${String(error)}\n`);
        return untried;
      }
    }),
  );
  process.stdout.write(`${aspect}: ${ended.length} attempts\n`);
  if (ended.includes(confinementExit.leaks)) return confinementExit.leaks;
  // An aspect without attempts has shown nothing.
  return ended.length === 0 || ended.includes(untried) ? untried : confinementExit.held;
}

process.exitCode = await tryAspect(process.argv[2] ?? '', process.argv[3] ?? '');
