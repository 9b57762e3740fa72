import { mkdir } from 'node:fs/promises';
import { basename } from 'node:path';
import { runProcess } from '../process.ts';
import { outputFiles } from '../task-folder.ts';
import { agentLimits } from './limits.ts';
import type { AgentPaths } from './paths.ts';

/** Of a stranger's folders: they may be shut, and nested deeper than a path can be long, so `find` and `rm` go through them. */
const open = ['-mindepth', '1', '-type', 'd', '!', '-perm', '-700', '-exec', 'chmod', 'u+rwx', '{}', ';'];
const entries = ['-mindepth', '1', '-maxdepth', '1'];
const remove = ['-exec', 'rm', '-rf', '--', '{}', '+'];

/**
 * Removes everything from the temporary folders but the captured output, and makes home and task folder anew.
 * @returns false when something stays
 */
export async function clearTemporary(paths: AgentPaths): Promise<boolean> {
  const spool = basename(paths.spool);
  for (const [folder, args] of [
    [paths.temporary, ['.', ...open]],
    [paths.temporary, ['.', ...entries, '!', '-name', spool, ...remove]],
    [paths.temporary, [`./${spool}`, ...entries, '!', '-name', 'stdout', '!', '-name', 'stderr', ...remove]],
    [paths.sharedMemory, ['.', ...open]],
    [paths.sharedMemory, ['.', ...entries, ...remove]],
  ] as const)
    if (!(await find(folder, args))) return false;
  await mkdir(paths.home);
  await mkdir(outputFiles(paths.task).artifacts, { recursive: true });
  return true;
}

/** Gives up what a tool that has ended left in the temporary folder, for room; what it delivers stays. */
export async function clearBesideTask(paths: AgentPaths): Promise<void> {
  const kept = [paths.spool, paths.task].flatMap((path) => ['!', '-name', basename(path)]);
  await find(paths.temporary, ['.', ...open]);
  await find(paths.temporary, ['.', ...entries, ...kept, ...remove]);
}

async function find(folder: string, args: readonly string[]): Promise<boolean> {
  const env = { PATH: process.env['PATH'] ?? '/usr/local/bin:/usr/bin:/bin' };
  const limit = AbortSignal.timeout(agentLimits.clearMs);
  const ended = await runProcess({ argv: ['find', ...args], cwd: folder, env }, () => undefined, limit);
  return ended.kind === 'exited' && ended.code === 0;
}
