import { generateKeyPairSync, type KeyObject, randomUUID } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Channel, type Command, signCommand, type UnsignedCommand } from '@countersign/contracts/command.ts';
import { type HomeSentinel, homeFormat } from '@countersign/contracts/home.ts';
import { keyIdOf } from '@countersign/contracts/key-id.ts';
import { queueFolders } from '@countersign/contracts/task-state.ts';
import { sha256 } from '@countersign/kit/digest.ts';
import { Journal } from '@countersign/kit/journal.ts';
import { createLogger } from '@countersign/kit/logger.ts';
import { onTestFinished } from 'vitest';
import type { RunnerConfig } from '../config.ts';
import type { Context } from '../context.ts';
import type { Keys } from '../gate/keys.ts';
import { OwnPast } from '../loop/own-past.ts';
import { QueueControl } from '../loop/queue-control.ts';
import { Troubles } from '../loop/troubles.ts';
import { type Memory, type MemoryReader, openMemory } from '../memory/open-memory.ts';
import { paces } from '../paces.ts';
import { Questions } from '../questions/questions.ts';
import { Gateway, Launcher } from '../sandbox/clients.ts';
import { SandboxPool } from '../sandbox/pool.ts';
import { Layout } from '../state/layout.ts';
import { RunStore } from '../state/run-store.ts';
import { TaskStore } from '../state/task-store.ts';
import { Dependencies } from '../work/dependencies.ts';
import { OneAtATime } from '../work/one-at-a-time.ts';
import { makeRepository } from './repository.ts';
import { scratchFolder } from './scratch.ts';

/** What `init` writes into a home. */
export function makeSentinel(change: Partial<HomeSentinel> = {}): HomeSentinel {
  return {
    version: homeFormat,
    id: randomUUID(),
    uid: process.getuid?.() || 1_000,
    gid: 1_000,
    workspaces: [],
    ...change,
  };
}

/** A `volumes/` of its own with one workspace, `project`, and the folders around it. */
export function makeHome(): { home: string; layout: Layout; slots: string; spools: string } {
  const folder = scratchFolder();
  const [home, slots, spools] = [join(folder, 'volumes'), join(folder, 'slots'), join(folder, 'spools')];
  const layout = new Layout(home);
  for (const name of queueFolders) mkdirSync(layout.queue(name), { recursive: true });
  for (const path of [
    layout.runs,
    layout.workspaces,
    slots,
    ...Channel.options.map((channel) => join(spools, channel)),
  ])
    mkdirSync(path, { recursive: true });
  writeFileSync(layout.sentinel, JSON.stringify(makeSentinel()));
  makeRepository(join(layout.workspaces, 'project'));
  return { home, layout, slots, spools };
}

const stage = {
  sandbox_profile: 'default',
  approval_hours: 24,
  merge_into: ['*'],
  governance: 'advisory' as const,
  checkpoints: [],
  budget: {},
};

/**
 * Settings of a small stack; `dev` runs by itself, `staging` and `prod` wait, `prod` for one person of the shell and the dashboard's.
 * @param prodInRoom persons who may decide on `prod` in the room
 */
export function makeConfig(
  parts: { home: string; slots: string; modelSlots?: string; spools: string },
  prodInRoom: string[] = [],
): RunnerConfig {
  const prompt = (name: string) => ({ name, system: `be a ${name}`, digest: sha256(name) });
  return {
    modelSlots: '/nonexistent',
    ...parts,
    secrets: join(parts.home, '..', 'secrets'),
    launcherSocket: '/nonexistent/launcher.sock',
    gatewaySocket: '/nonexistent/gateway.sock',
    logLevel: 'silent',
    agent: {
      OLLAMA_MODEL: 'small',
      MAX_TASKS: 4,
      MAX_TASKS_PER_WORKSPACE: 1,
      MIN_FREE_DISK_MB: 0,
      BREAKER_FAILURES: 3,
      BREAKER_WAIT_SEC: 600,
    },
    stages: {
      version: 1,
      protected_branches: ['main', 'master', 'release/*'],
      stages: {
        dev: { ...stage, gate: 'none', decide: [{ channel: 'shell' }] },
        staging: {
          ...stage,
          gate: 'approval',
          decide: [{ channel: 'shell' }, { channel: 'matrix', persons: ['@op:x'] }],
        },
        prod: {
          ...stage,
          gate: 'approval',
          decide: [
            { channel: 'shell', persons: ['root'] },
            { channel: 'dashboard', persons: ['operator'] },
            ...(prodInRoom.length === 0 ? [] : [{ channel: 'matrix' as const, persons: prodInRoom }]),
          ],
        },
      },
    },
    tools: {
      version: 1,
      tools: {
        agent: { mode: 'batch', cmd: ['agent'], timeout_sec: 600, step_limit: 10, token_budget: 1_000, budget: {} },
        shell: { mode: 'interactive', cmd: ['sh'], timeout_sec: 600, step_limit: 10, token_budget: 1_000, budget: {} },
      },
    },
    prompts: { plan: prompt('plan'), run: prompt('run') },
    policyDigest: sha256('policy'),
  };
}

/** A clock that moves only when it is told to. */
export class Clock {
  #now = Date.parse('2026-11-20T10:00:00.000Z');
  readonly now = (): Date => new Date(this.#now);
  pass(ms: number): void {
    this.#now += ms;
  }
}

/** The memory, which few tests look into: made when it is asked for the first time. */
function lateMemory(folder: string, clock: Clock): MemoryReader {
  let opened: Promise<Memory> | undefined;
  const open = () => {
    opened ??= openMemory(folder, clock.now);
    return opened;
  };
  return {
    folder,
    ignored: () => [],
    findTask: async (...asked) => (await open()).findTask(...asked),
    listTasks: async (...asked) => (await open()).listTasks(...asked),
    newestHandoffs: async (...asked) => (await open()).newestHandoffs(...asked),
  };
}

/** A runner's context over a home: real stores and journals, and a launcher and gateway that are not there. */
export async function openContext(
  home: ReturnType<typeof makeHome>,
  clock = new Clock(),
  prodInRoom: string[] = [],
): Promise<Context & { close(): Promise<void> }> {
  const config = makeConfig(home, prodInRoom);
  const runs = await RunStore.open(home.layout);
  const { store: tasks } = await TaskStore.recover(home.layout, runs);
  const journal = await Journal.open(home.layout.ownJournal);
  const launcher = new Launcher(config.launcherSocket);
  const gateway = new Gateway(config.gatewaySocket);
  const logger = createLogger('runner', 'silent');
  const { slots, modelSlots } = config;
  const pool = new SandboxPool({ slots, modelSlots, launcher, gateway, logger });
  const troubles = new Troubles(logger);
  const queue = await QueueControl.open(
    { layout: home.layout, journal, troubles, past: await OwnPast.read(journal.path) },
    { failures: 3, waitMs: 600_000 },
    tasks.all(),
  );
  let closed = false;
  const close = async () => {
    if (closed) return;
    closed = true;
    await runs[Symbol.asyncDispose]();
    await journal.close();
    await launcher[Symbol.asyncDispose]();
    await gateway[Symbol.asyncDispose]();
  };
  onTestFinished(close);
  return {
    config,
    layout: home.layout,
    runs,
    tasks,
    journal,
    pool,
    dependencies: new Dependencies(launcher, gateway, ['default'], journal, { path: home.home, leastBytes: 0 }),
    confinement: { hold: () => null },
    questions: new Questions({ tasks, runs, now: clock.now, changed: (slot) => pool.repeatSlot(slot) }),
    imports: new OneAtATime(),
    memory: lateMemory(home.layout.memory, clock),
    follower: { follow: () => undefined, handedOff: () => undefined },
    troubles,
    queue,
    logger,
    paces,
    now: clock.now,
    userId: process.getuid?.() ?? 0,
    close,
  };
}

/** Names in a queue folder, sorted, without those that are folders of other states. */
export function filesIn(layout: Layout, folder: (typeof queueFolders)[number]): string[] {
  return readdirSync(layout.queue(folder), { withFileTypes: true })
    .filter((entry) => !['pending', 'running'].includes(entry.name))
    .map((entry) => entry.name)
    .sort();
}

/** The events of a journal, as plain objects. */
export function eventsOf(path: string): { event: string; summary: string; data?: Record<string, unknown> }[] {
  return readFileSync(path, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line));
}

/** A key pair per channel, and the table by which the runner knows the public halves. */
export function makeKeys(): {
  keys: Keys;
  /** @param channel whose key signs; the command's own by default */
  sign: (command: Partial<UnsignedCommand> & Pick<UnsignedCommand, 'kind' | 'subject'>, channel?: Channel) => Command;
} {
  const pairs = {
    shell: generateKeyPairSync('ed25519'),
    matrix: generateKeyPairSync('ed25519'),
    dashboard: generateKeyPairSync('ed25519'),
  };
  const entries = Channel.options.map((channel): [string, { channel: Channel; key: KeyObject }] => [
    keyIdOf(channel, pairs[channel].publicKey),
    { channel, key: pairs[channel].publicKey },
  ]);
  let count = 0;
  const sign: ReturnType<typeof makeKeys>['sign'] = (command, channel = command.actor?.channel ?? 'shell') => {
    const { publicKey, privateKey } = pairs[channel];
    const unsigned = {
      version: 1,
      id: `command-${String(++count).padStart(12, '0')}`,
      actor: { channel, user: 'op' },
      evidence: 'argv',
      issued_at: '2026-11-20T09:59:59.000Z',
      expires_at: '2026-11-21T09:59:59.000Z',
      key_id: keyIdOf(channel, publicKey),
      ...command,
    } as UnsignedCommand;
    return signCommand(unsigned, privateKey);
  };
  return { keys: new Map(entries), sign };
}
