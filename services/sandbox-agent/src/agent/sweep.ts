import { readdir, readFile } from 'node:fs/promises';
import { setTimeout as wait } from 'node:timers/promises';
import { agentLimits } from './limits.ts';

/**
 * Which processes are the tool's.
 * `container`: every one but this process and the container's init; kills across the whole pid namespace.
 * `session`: those of the tool's session, wherever this runs beside processes that are none of its business.
 */
export type SweepScope = 'container' | 'session';

const sandboxUserId = 65532;
const initNames: readonly string[] = ['tini', 'docker-init'];

/** `container` only where nothing else can be there: a sandbox's user, below a container's init. */
export async function detectSweepScope(): Promise<SweepScope> {
  if (process.getuid?.() !== sandboxUserId) return 'session';
  const init = (await readFile('/proc/1/comm', 'utf8').catch(() => '')).trim();
  return initNames.includes(init) ? 'container' : 'session';
}

/**
 * Kills what is left of a tool, whatever group it moved to, and waits until it is gone.
 * @param session the tool's process id, which is its session's id too
 * @returns false when something still lives after the last round
 */
export async function sweep(scope: SweepScope, session: number): Promise<boolean> {
  for (let round = 0; round < agentLimits.sweepRounds; round += 1) {
    const left = (await listProcesses()).filter((each) => isLeft(each, scope, session));
    if (left.length === 0) return true;
    // In a container one call kills all at the same instant, so that nothing can fork its way around it.
    if (scope === 'container') kill(-1);
    else for (const { pid } of left) kill(pid);
    await wait(agentLimits.sweepWaitMs);
  }
  return false;
}

type Process = { pid: number; state: string; session: number };

function isLeft({ pid, state, session: own }: Process, scope: SweepScope, session: number): boolean {
  if (pid === process.pid || pid === 1 || state === 'Z' || state === 'X') return false;
  return scope === 'container' || own === session;
}

async function listProcesses(): Promise<Process[]> {
  const names = (await readdir('/proc').catch(() => [])).filter((name) => /^\d+$/.test(name));
  const stats = await Promise.all(names.map((pid) => readFile(`/proc/${pid}/stat`, 'latin1').catch(() => '')));
  return stats.flatMap((stat, index) => {
    // "pid (name) state ppid group session …": the name may hold anything, so the fields count from its last bracket.
    const [state, , , session] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    if (state === undefined || session === undefined) return [];
    return [{ pid: Number(names[index]), state, session: Number(session) }];
  });
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && (error.code === 'ESRCH' || error.code === 'EPERM'))) throw error;
  }
}
