import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type HomeSentinel, homeFormat, homeSentinelFile } from '@countersign/contracts/home.ts';
import { parse } from 'yaml';
import { z } from 'zod';

const repository = join(import.meta.dirname, '../../../..');
/** Of the kernel's clock, in which processor time is told. */
const ticksPerSecond = 100;
const pollMs = 100;
const writtenAt = new Date('2026-11-20T10:00:00.000Z');

type Accepted = {
  readonly run_id: string;
  readonly task_id: string;
  readonly data: { readonly record: { readonly file: string; readonly workspace: string } };
};

/**
 * A home with workspaces, many files for it, and the runner as its container starts it, in a process of its own without launcher and
 * gateway: every task waits.
 */
export class Flood {
  readonly #root: string;
  readonly home: string;

  constructor(root: string, workspaces: number) {
    this.#root = root;
    this.home = join(root, 'volumes');
    for (const folder of ['inbox', 'runs', 'logs/runner', 'memory'])
      mkdirSync(join(this.home, folder), { recursive: true });
    // The ids are those of a container's user, which is never root; nobody looks at them here.
    const [uid, gid] = [process.getuid?.() || 1, process.getgid?.() || 1];
    const sentinel: HomeSentinel = { version: homeFormat, id: randomUUID(), uid, gid, workspaces: [] };
    writeFileSync(join(this.home, homeSentinelFile), JSON.stringify(sentinel));
    for (const folder of ['slots', 'model-slots', 'spools/shell', 'secrets', 'dropped'])
      mkdirSync(join(root, folder), { recursive: true });
    for (let count = 0; count < workspaces; count += 1) this.#makeWorkspace(`project-${count}`);
  }

  #makeWorkspace(name: string): void {
    const folder = join(this.home, 'workspaces', name);
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, 'README.md'), 'a project\n');
    const identity = ['-c', 'user.name=flood', '-c', 'user.email=flood@example.org'];
    const commands = [
      ['init', '-q', '-b', 'main'],
      ['add', '-A'],
      [...identity, 'commit', '-q', '-m', 'first'],
    ];
    for (const args of commands) execFileSync('git', args, { cwd: folder });
  }

  /** Each is renamed into the inbox, as a careful producer does; names are in the order of dropping. */
  drop(files: number, workspaces: number): void {
    for (let count = 0; count < files; count += 1) {
      const name = `task-${String(count).padStart(6, '0')}.md`;
      const text = `workspace: project-${count % workspaces}\nstage: dev\n\nDo thing number ${count}.\n`;
      const path = join(this.#root, 'dropped', name);
      writeFileSync(path, text);
      // Written and renamed within one tick of the file system's clock, it would look like one that is still being written.
      utimesSync(path, writtenAt, writtenAt);
      renameSync(path, join(this.home, 'inbox', name));
    }
  }

  /** Starts a runner; it has begun its work when `starts` counts one more. */
  start(): ChildProcess {
    const env = {
      PATH: process.env['PATH'],
      ...runnerEnvironment(),
      RUNNER_HOME: this.home,
      RUNNER_SLOTS: join(this.#root, 'slots'),
      RUNNER_MODEL_SLOTS: join(this.#root, 'model-slots'),
      RUNNER_SPOOLS: join(this.#root, 'spools'),
      RUNNER_CONFIGS: join(repository, 'configs'),
      RUNNER_SECRETS: join(this.#root, 'secrets'),
      RUNNER_LAUNCHER_SOCKET: join(this.#root, 'launcher.sock'),
      RUNNER_GATEWAY_SOCKET: join(this.#root, 'gateway.sock'),
      RUNNER_LOG_LEVEL: 'warn',
    };
    const main = join(repository, 'services/runner/src/main.ts');
    return spawn(process.execPath, [main], { env, stdio: ['ignore', 'ignore', 'inherit'] });
  }

  /** What the runners said at their starts. */
  starts(): string[] {
    return linesWith(join(this.home, 'runs/telemetry.jsonl'), 'runner_started').map((line) => JSON.parse(line).summary);
  }

  recoveries(): number {
    return linesWith(join(this.home, 'runs/telemetry.jsonl'), 'runner_recovered').length;
  }

  accepted(): Accepted[] {
    return this.journals().flatMap((path) => linesWith(path, 'task_accepted').map((line) => JSON.parse(line)));
  }

  get acceptedCount(): number {
    return this.journals().reduce((sum, path) => sum + linesWith(path, 'task_accepted').length, 0);
  }

  journals(): string[] {
    return readdirSync(join(this.home, 'runs'))
      .map((name) => join(this.home, 'runs', name, 'telemetry.jsonl'))
      .filter((path) => existsSync(path));
  }

  get journalBytes(): number {
    return this.journals().reduce((sum, path) => sum + statSync(path).size, 0);
  }
}

export async function until(isSo: () => boolean, child: ChildProcess): Promise<void> {
  while (!isSo()) {
    if (child.exitCode !== null) throw new Error(`the runner ended with ${child.exitCode}`);
    await sleep(pollMs);
  }
}

export async function end(child: ChildProcess): Promise<number | null> {
  const ended = new Promise<number | null>((resolve) => child.once('exit', (code) => resolve(code)));
  child.kill('SIGTERM');
  return await ended;
}

/** The most memory that a process has had, in bytes of its resident set. */
export function peakOf({ pid }: ChildProcess): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  return Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1]) * 1024;
}

/** Processor time that a process has taken so far, in milliseconds. */
export function processorMs({ pid }: ChildProcess): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*\) /, '')
    .split(' ');
  return ((Number(fields[11]) + Number(fields[12])) / ticksPerSecond) * 1_000;
}

function linesWith(path: string, event: string): string[] {
  if (!existsSync(path)) return [];
  return readFileSync(path, 'utf8')
    .split('\n')
    .filter((line) => line.includes(`"event":"${event}"`));
}

/** What the compose file gives the runner's container: the bounds of its heap. */
function runnerEnvironment(): Record<string, string> {
  const compose: unknown = parse(readFileSync(join(repository, 'docker-compose.yml'), 'utf8'), { merge: true });
  return z
    .object({ services: z.object({ runner: z.object({ environment: z.record(z.string(), z.string()) }) }) })
    .parse(compose).services.runner.environment;
}
