import { cp, mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseEnv } from 'node:util';
import { StatusRow, TaskRecord } from '@countersign/contracts/task-record.ts';
import { namesIn } from '@countersign/kit/files.ts';
import { parseJournal } from '@countersign/kit/journal.ts';
import { execa } from 'execa';
import { z } from 'zod';
import type { Places } from './check-compose.ts';
import { inspect } from './check-container.ts';
import { freePorts } from './free-port.ts';

export const root = resolve(import.meta.dirname, '../..');

type Prepare = (configs: string, secrets: string) => Promise<void>;
type Answer = { readonly exitCode: number | undefined; readonly stdout: string; readonly stderr: string };

/** A real stack with folders, keys, volumes and a name of its own, brought up with `scripts/up`. */
export class Stack implements AsyncDisposable {
  readonly project: string;
  readonly home: string;
  readonly configs: string;
  readonly #folder: string;
  readonly secrets: string;
  /** Of this host's loopback address, for the stack's own Synapse: two stacks cannot share one. */
  readonly matrixPort: number;
  /** Likewise for the dashboard. */
  readonly pagePort: number;
  /** Further variables for the scripts, as an operator would set them. */
  readonly more: Record<string, string> = {};

  private constructor(project: string, folder: string, ports: { readonly matrix: number; readonly page: number }) {
    this.project = project;
    this.#folder = folder;
    this.home = join(folder, 'home');
    this.configs = join(folder, 'configs');
    this.secrets = join(folder, 'secrets');
    this.matrixPort = ports.matrix;
    this.pagePort = ports.page;
  }

  /**
   * @param name makes the project's name; two stacks beside each other need two
   * @param prepare changes the copies of `configs/` and `secrets/` that this stack gets
   */
  static async up(name: string, prepare?: Prepare): Promise<Stack> {
    const stack = await Stack.made(name, prepare);
    try {
      await stack.mustUp(['--rehearsal', '--json']);
      return stack;
    } catch (error) {
      // Nobody else knows of it.
      await stack[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** Folders for a stack that is not up yet, for tests of `scripts/up` itself and of what it chooses. */
  static async made(name: string, prepare?: Prepare): Promise<Stack> {
    const folder = await mkdtemp(join(tmpdir(), `countersign-${name}-`));
    const [matrix = 0, page = 0] = await freePorts(2);
    const stack = new Stack(`countersign-test-${name}`, folder, { matrix, page });
    await cp(join(root, 'configs'), stack.configs, { recursive: true });
    // The servers of whoever runs the tests are not the tests'.
    await writeFile(join(stack.configs, 'hosts.env'), '');
    for (const service of await readdir(join(root, 'secrets')))
      await mkdir(join(stack.secrets, service), { recursive: true });
    await prepare?.(stack.configs, stack.secrets);
    await stack.remove();
    await mkdir(stack.home, { recursive: true });
    return stack;
  }

  /** Runs `scripts/up`, by itself without a word about profiles or model. @throws Error with what it said when it fails */
  async mustUp(args: readonly string[] = ['--json']): Promise<Answer> {
    const up = await this.script('up', args);
    if (up.exitCode !== 0) throw new Error(`scripts/up failed:\n${up.stderr}\n${up.stdout}`);
    return up;
  }

  get environment(): Record<string, string> {
    return {
      COMPOSE_PROJECT_NAME: this.project,
      COUNTERSIGN_ENV_FILE: join(this.#folder, 'settings.env'),
      COUNTERSIGN_SECRETS: this.secrets,
      COUNTERSIGN_CONFIGS: this.configs,
      COUNTERSIGN_MATRIX_PORT: String(this.matrixPort),
      COUNTERSIGN_PAGE_PORT: String(this.pagePort),
      AGENTIC_HOME: this.home,
      ...this.more,
    };
  }

  /** Runs one of `scripts/`. */
  async script(name: string, args: readonly string[], input?: string): Promise<Answer> {
    const { exitCode, stdout, stderr } = await execa(join(root, 'scripts', name), args, {
      env: this.environment,
      reject: false,
      ...(input === undefined ? { stdin: 'ignore' as const } : { input }),
    });
    return { exitCode, stdout: stdout ?? '', stderr: stderr ?? '' };
  }

  countersign(...args: string[]): Promise<Answer> {
    return this.script('countersign', args);
  }

  async compose(...args: string[]): Promise<Answer> {
    const files = [
      '--project-directory',
      root,
      '--env-file',
      join(root, '.env'),
      '--env-file',
      join(this.#folder, 'settings.env'),
    ];
    const { exitCode, stdout, stderr } = await execa('docker', ['compose', ...files, ...args], {
      env: this.environment,
      reject: false,
    });
    return { exitCode, stdout, stderr };
  }

  /** Drops a file as a careful producer does: written beside, then renamed. */
  async drop(file: string, content: string | Uint8Array): Promise<void> {
    const inbox = join(this.home, 'inbox');
    const temporary = join(inbox, `.${Math.random().toString(36).slice(2)}.tmp`);
    await writeFile(temporary, content);
    await rename(temporary, join(inbox, file));
  }

  async status(): Promise<readonly StatusRow[]> {
    const answer = await this.countersign('status', '--json');
    if (answer.exitCode !== 0) throw new Error(`status failed: ${answer.stderr}`);
    return z.array(StatusRow).parse(JSON.parse(answer.stdout));
  }

  /** The record of the newest task that was dropped under this name. */
  async task(droppedAs: string): Promise<TaskRecord | undefined> {
    const records = await this.tasks();
    return records
      .filter((record) => record.dropped_as === droppedAs)
      .sort((a, b) => b.accepted_at.localeCompare(a.accepted_at))[0];
  }

  async tasks(): Promise<TaskRecord[]> {
    const runs = (await readdir(join(this.home, 'runs'))).filter((name) => name.startsWith('RUN-'));
    const records: TaskRecord[] = [];
    for (const run of runs) {
      for (const id of await namesIn(join(this.home, 'runs', run, 'tasks'))) {
        const text = await readFile(join(this.home, 'runs', run, 'tasks', id, 'task.json'), 'utf8').catch(() => null);
        if (text !== null) records.push(TaskRecord.parse(JSON.parse(text)));
      }
    }
    return records;
  }

  /** Waits until a task is in one of the states. @throws Error with where it stands when it does not get there in time */
  async reaches<Status extends TaskRecord['state']['status']>(
    droppedAs: string,
    states: readonly Status[],
    timeoutMs = 60_000,
  ): Promise<TaskRecord & { state: TaskRecord['state'] & { status: Status } }> {
    const end = Date.now() + timeoutMs;
    for (;;) {
      const record = await this.task(droppedAs);
      const wanted: readonly string[] = states;
      if (record !== undefined && wanted.includes(record.state.status))
        return record as TaskRecord & { state: TaskRecord['state'] & { status: Status } };
      if (Date.now() > end)
        throw new Error(`${droppedAs} is ${JSON.stringify(record?.state ?? 'not there')}, not ${states.join(' or ')}`);
      await sleep(200);
    }
  }

  taskFolder(record: TaskRecord): string {
    return join(this.home, 'runs', record.run, 'tasks', record.id);
  }

  attemptFolder(record: TaskRecord): string {
    return join(this.taskFolder(record), 'attempts', String(record.attempts));
  }

  async events(run: string | null) {
    const path = join(this.home, 'runs', run ?? '', 'telemetry.jsonl');
    return parseJournal(path, await readFile(path, 'utf8'));
  }

  /** The host's process id of a service's own process: the one that its container's init has begun, and no health check. */
  async processOf(service: string): Promise<number> {
    const container = (await this.compose('ps', '--quiet', service)).stdout.trim();
    const { State } = await inspect(container);
    const { stdout } = await execa('docker', ['top', container, '-eo', 'pid,ppid,comm']);
    const rows = stdout.split('\n').map((line) => line.trim().split(/\s+/));
    const own = rows.find(
      ([, parent, command = '']) => Number(parent) === State.Pid && /^(?:node|python3)|MainThread/.test(command),
    );
    const pid = Number(own?.[0]);
    if (!Number.isInteger(pid) || pid <= 1) throw new Error(`no process of ${service} in:\n${stdout}`);
    return pid;
  }

  /** Makes a git repository that the stack's user owns, as a workspace. */
  async workspace(
    name: string,
    files: Readonly<Record<string, string | Uint8Array>> = { 'README.md': `# ${name}\n` },
  ): Promise<string> {
    const folder = join(this.home, 'workspaces', name);
    for (const [path, content] of Object.entries(files)) {
      await mkdir(join(folder, path, '..'), { recursive: true });
      await writeFile(join(folder, path), content);
    }
    await execa('git', ['init', '-q', '-b', 'main', folder]);
    await execa('git', ['-C', folder, 'add', '-A']);
    await execa('git', [
      '-C',
      folder,
      '-c',
      'user.name=Operator',
      '-c',
      'user.email=operator@example.invalid',
      'commit',
      '-qm',
      'first',
    ]);
    await this.own(folder);
    return folder;
  }

  async own(path: string): Promise<void> {
    const { operator } = await this.places();
    await execa('chown', ['-R', operator, path]);
  }

  /** Where the sources of mounts lie, and as whom services run. */
  async places(): Promise<Places> {
    const settings = await this.#settings();
    return {
      home: this.home,
      secrets: this.secrets,
      configs: this.configs,
      engine: settings['DOCKER_SOCKET'] ?? '',
      operator: `${settings['COUNTERSIGN_UID']}:${settings['COUNTERSIGN_GID']}`,
    };
  }

  async #settings(): Promise<NodeJS.Dict<string>> {
    return parseEnv(await readFile(join(this.#folder, 'settings.env'), 'utf8'));
  }

  /** Removes this stack's containers and volumes; what a crashed test left under the same name as well. */
  async remove(): Promise<void> {
    await this.script('down', ['--volumes', '--yes']);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.remove();
    await rm(this.#folder, { recursive: true, force: true });
  }
}
