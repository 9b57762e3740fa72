import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { execa } from 'execa';
import { inspect } from './check-container.ts';
import type { Stack } from './stack.ts';

/**
 * Kills a service from the host. The engine then sees a container that died, and its restart policy counts; `docker kill` would
 * suspend that.
 * @param process `own` is the service's own process, `init` the container's, and with it all of its processes at once
 */
export async function killFromHost(stack: Stack, service: string, process: 'own' | 'init' = 'own'): Promise<void> {
  killProcess(process === 'own' ? await stack.processOf(service) : await initOf(await containerOf(stack, service)));
}

export async function containerOf(stack: Stack, service: string): Promise<string> {
  return (await stack.compose('ps', '--all', '--quiet', '--no-trunc', service)).stdout.trim();
}

/** Sandboxes of the stack, of every state, oldest first. */
export async function sandboxesOf(stack: Stack): Promise<{ id: string; slot: string; state: string }[]> {
  const format = '{{.ID}} {{.Label "countersign.sandbox"}} {{.State}}';
  const filter = `label=countersign.project=${stack.project}`;
  const { stdout } = await execa('docker', ['ps', '--all', '--no-trunc', '--filter', filter, '--format', format]);
  return stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      const [id = '', slot = '', state = ''] = line.split(' ');
      return { id, slot, state };
    })
    .reverse();
}

/** Kills all processes of a container at once. Returns false where it was gone already. */
export async function killContainer(container: string): Promise<boolean> {
  const { exitCode, stdout, stderr } = await execa('docker', ['inspect', '--format', '{{.State.Pid}}', container], {
    reject: false,
  });
  if (/No such object/.test(stderr)) return false;
  if (exitCode !== 0) throw new Error(`docker inspect ${container}: ${stderr}`);
  killProcess(Number(stdout));
  return true;
}

/** The host's ids of all processes of a container. */
export async function processesOf(container: string): Promise<number[]> {
  const { stdout, exitCode } = await execa('docker', ['top', container, '-eo', 'pid'], { reject: false });
  return exitCode === 0 ? stdout.split('\n').slice(1).map(Number) : [];
}

/** Whether a process of this host is there, and no zombie. */
export async function isAlive(pid: number): Promise<boolean> {
  const stat = await readFile(`/proc/${pid}/stat`, 'latin1').catch(() => '');
  return stat !== '' && !/\) [ZX] /.test(stat);
}

/** Waits until a service that was killed is healthy in a process begun after `since`. Returns how long that took, in milliseconds. */
export async function comesBack(stack: Stack, service: string, since: Date, timeoutMs = 240_000): Promise<number> {
  const container = await containerOf(stack, service);
  for (;;) {
    const { State } = await inspect(container);
    const tookMs = Date.now() - since.getTime();
    if (State.Health?.Status === 'healthy' && Date.parse(State.StartedAt) > since.getTime()) return tookMs;
    if (tookMs > timeoutMs)
      throw new Error(`${service} is ${State.Status} and ${State.Health?.Status}, ${tookMs} ms after it was killed`);
    await sleep(300);
  }
}

/** As long as a container lives less than this, the engine waits twice as long before each of its restarts. */
const settledMs = 10_500;

/** Waits until a service has lived so long that it is restarted at once when it dies. */
export async function settles(stack: Stack, service: string): Promise<void> {
  const { State } = await inspect(await containerOf(stack, service));
  await sleep(Math.max(0, Date.parse(State.StartedAt) + settledMs - Date.now()));
}

async function initOf(container: string): Promise<number> {
  return (await inspect(container)).State.Pid;
}

/** What has died meanwhile is as dead as it was to be. */
function killProcess(pid: number): void {
  // Pid 0 is a container that does not run, and to the kernel this very process group.
  if (pid <= 1) return;
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error;
  }
}
