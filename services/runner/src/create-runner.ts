import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { recoveryLimits } from '@countersign/contracts/limits.ts';
import { queueFolders } from '@countersign/contracts/task-state.ts';
import { HealthFile } from '@countersign/kit/health.ts';
import type { Logger } from '@countersign/kit/logger.ts';
import { isPassing } from '@countersign/kit/system-trouble.ts';
import { watchFolders } from './adapters/watch.ts';
import type { RunnerConfig } from './config.ts';
import type { Context } from './context.ts';
import { isCodeMissing } from './gate/code-seed.ts';
import { readKeys } from './gate/keys.ts';
import { refuseMoved } from './house/refuse-moved.ts';
import { takeNotes } from './house/take-notes.ts';
import { CommandDesk } from './loop/command-desk.ts';
import { OrderTeller } from './loop/order-teller.ts';
import { OwnPast } from './loop/own-past.ts';
import { QueueControl } from './loop/queue-control.ts';
import { QueueKeeper } from './loop/queue-keeper.ts';
import { findSpools } from './loop/spools.ts';
import { Troubles } from './loop/troubles.ts';
import { WorkLoop } from './loop/work-loop.ts';
import { createMemoryFollower } from './memory/follow.ts';
import { openMemory } from './memory/open-memory.ts';
import { type Paces, paces as usual } from './paces.ts';
import { Questions } from './questions/questions.ts';
import { Intake } from './queue/intake.ts';
import { FileObserver } from './queue/observe.ts';
import { Gateway, Launcher } from './sandbox/clients.ts';
import { Confinement } from './sandbox/confinement.ts';
import { SandboxPool } from './sandbox/pool.ts';
import type { HomeGuard } from './state/home-guard.ts';
import { Layout } from './state/layout.ts';
import { Reserve } from './state/reserve.ts';
import { RunStore } from './state/run-store.ts';
import { RunViews } from './state/run-views.ts';
import { sayBehind } from './state/say-behind.ts';
import { TaskStore } from './state/task-store.ts';
import { Dependencies, mib } from './work/dependencies.ts';
import { OneAtATime } from './work/one-at-a-time.ts';
import { repeatHandoffs } from './work/repeat-handoffs.ts';

export type RunnerOverrides = { readonly paces?: Paces; readonly watch?: typeof watchFolders };

/**
 * Recovers what is on disk, then works until `stop` is aborted.
 * @param guard of the home, which is taken
 * @param overrides for tests of many runs, which cannot wait
 * @throws Error when the disk does not allow to begin
 */
export async function runRunner(
  config: RunnerConfig,
  guard: HomeGuard,
  logger: Logger,
  stop: AbortSignal,
  overrides: RunnerOverrides = {},
): Promise<void> {
  const { paces = usual, watch = watchFolders } = overrides;
  const layout = new Layout(config.home);
  await refuseMoved(layout);
  for (const folder of queueFolders) await mkdir(layout.queue(folder), { recursive: true });
  const reserve = new Reserve(layout.reserve, (what) => logger.warn({ what }, 'room that is kept for a full disk'));
  const keepReserve = async () => {
    if ((await guard.trouble()) === null) await reserve.refill();
  };
  const writing = { ready: () => guard.ready(), makeRoom: () => reserve.release() };
  await using runs = await RunStore.open(layout, writing);
  const { store: tasks, mended, findings, swept } = await TaskStore.recover(layout, runs);
  const journal = await runs.heads.journal('service', layout.ownJournal);
  await journal.append({
    phase: 'service',
    agent_role: 'runner',
    event: 'runner_started',
    summary: `${tasks.open().length} tasks are open`,
    // Each of the two files vouches for the other.
    data: { heads: { seq: runs.heads.end.seq, head: runs.heads.end.head } },
  });
  if (mended.length > 0) {
    await journal.append({
      phase: 'service',
      agent_role: 'runner',
      event: 'runner_recovered',
      summary: `finished what was under way for ${mended.length} tasks`,
      data: {
        tasks: mended.slice(0, recoveryLimits.told),
        findings: findings.slice(0, recoveryLimits.told).map((finding) => ({ ...finding })),
      },
    });
  }
  if (swept.removed.length > 0)
    logger.info({ removed: swept.removed.slice(0, recoveryLimits.told) }, 'half-written files were removed');
  if (swept.unknown.length > 0) {
    const unknown = { count: swept.unknown.length, files: swept.unknown.slice(0, recoveryLimits.told) };
    logger.warn(unknown, 'files that belong to no task lie in folders of the queue; they are left alone');
  }
  const health = new HealthFile(layout.logs, 'runner');
  await sayBehind(runs.heads.behind(), journal, logger, health);
  await using launcher = new Launcher(config.launcherSocket);
  await using gateway = new Gateway(config.gatewaySocket);
  const profiles = [...new Set(Object.values(config.stages.stages).map((stage) => stage.sandbox_profile))];
  const dependencies = new Dependencies(launcher, gateway, profiles, journal, {
    path: config.home,
    leastBytes: config.agent.MIN_FREE_DISK_MB * mib,
  });
  await using pool = new SandboxPool({
    slots: config.slots,
    modelSlots: config.modelSlots,
    launcher,
    gateway,
    logger,
  });
  const memory = await openMemory(layout.memory, undefined, paces.memoryLockMs);
  if (memory.trouble !== null)
    logger.warn({ reason: memory.trouble }, 'the memory could not be brought up to date yet');
  const follower = createMemoryFollower(
    memory,
    (problem) => logger.warn({ problem }, 'the memory waits'),
    paces.memoryRetryMs,
  );
  const troubles = new Troubles(logger);
  const past = await OwnPast.read(journal.path);
  const { BREAKER_FAILURES: failures, BREAKER_WAIT_SEC } = config.agent;
  const queue = await QueueControl.open(
    { layout, journal, troubles, past },
    { failures, waitMs: BREAKER_WAIT_SEC * 1_000 },
    tasks.all(),
  );
  const now = () => new Date();
  const confinement = new Confinement({
    pool,
    journal,
    folder: join(layout.logs, 'confinement'),
    now,
    told: (proofs) => queue.toldOfSandboxes(proofs),
  });
  const context: Context = {
    config,
    memory,
    follower,
    layout,
    runs,
    tasks,
    journal,
    pool,
    dependencies,
    confinement,
    questions: new Questions({ tasks, runs, now, changed: (slot) => pool.repeatSlot(slot) }),
    imports: new OneAtATime(),
    troubles,
    queue,
    logger,
    paces,
    now,
    userId: process.getuid?.() ?? 0,
  };

  await using views = new RunViews(layout, runs, tasks, (problem) => logger.warn({ problem }, 'a run.yaml waits'));
  tasks.observe((record) => {
    follower.follow(record);
    views.follow(record);
    queue.told(record);
  });
  await takeNotes(context, false, past.notes);
  await repeatHandoffs(context);
  const observer = new FileObserver(paces.settleMs);
  const intake = new Intake(context, observer);
  const keys = await readKeys(config.secrets);
  const desk = new CommandDesk(context, keys, past, (task) => loop.isActive(task));
  const loop: WorkLoop = new WorkLoop(
    context,
    { intake, desk, keeper: new QueueKeeper(context, observer, intake), health, guard },
    stop,
  );
  const watched = [
    layout.queue('inbox'),
    layout.queue('inbox/pending'),
    layout.queue('inbox/running'),
    ...(await findSpools(config.spools)).map(({ path }) => path),
  ];
  await using _watch = watch(watched, () => loop.wake(), logger);
  const orders = new OrderTeller(journal, launcher, past.serviceOrders);
  const keeping = keepReady(context, confinement, loop, stop);
  await Promise.all([
    loop.run(),
    askDependencies(context, orders, loop, past.notes, keepReserve, stop),
    repeatSlots(context, stop),
  ]);
  // Ends a start that is under way, so that nobody waits for its sandbox.
  await pool[Symbol.asyncDispose]();
  await keeping;
  await queue.settled();
  await follower.settled();
  await follower.close();
  await journal.close();
}

/** Asks what tasks depend on, again and again. */
function askDependencies(
  context: Context,
  orders: OrderTeller,
  loop: WorkLoop,
  toldNotes: Set<string>,
  keepReserve: () => Promise<void>,
  stop: AbortSignal,
): Promise<void> {
  return repeat(context, stop, context.paces.upkeepMs, async () => {
    await keepReserve();
    if (await context.dependencies.refresh()) loop.wake();
    const { stages, secrets } = context.config;
    await context.queue.toldOfCode(await isCodeMissing(stages, secrets));
    if (context.dependencies.state.launcher.ok) await orders.tell();
    await takeNotes(context, true, toldNotes).catch((error: unknown) =>
      context.troubles.say('notes on the house', error),
    );
  });
}

/** Keeps the sandboxes' ways to the model open, and hears what goes over them. */
function repeatSlots(context: Context, stop: AbortSignal): Promise<void> {
  return repeat(context, stop, context.paces.meterMs, () => context.pool.repeatSlots());
}

/**
 * Tries the sandboxes for leaks, and keeps warm ones of those that are confined; apart from the questions, which a slow start must not
 * hold up.
 */
function keepReady(context: Context, confinement: Confinement, loop: WorkLoop, stop: AbortSignal): Promise<void> {
  return repeat(context, stop, context.paces.upkeepMs, async () => {
    try {
      const { launcher } = context.dependencies.state;
      // Another engine may answer when it is back.
      if (!launcher.ok) await confinement.forget();
      const known = launcher.ok && loop.isAdopted ? [...launcher.profiles.values()] : null;
      const profiles = known?.flatMap((answer) => (answer.ok ? [answer.profile] : [])) ?? null;
      if (profiles !== null && (await confinement.turn(profiles, stop))) loop.wake();
      const confined = profiles?.filter((profile) => confinement.hold(profile, null) === null) ?? null;
      await context.pool.maintain(confined);
    } catch (error) {
      if (stop.aborted) return;
      context.logger.warn({ error: String(error) }, 'keeping sandboxes failed; it is tried again');
    }
  });
}

async function repeat(
  { troubles }: Context,
  stop: AbortSignal,
  pauseMs: number,
  work: () => Promise<void>,
): Promise<void> {
  while (!stop.aborted) {
    try {
      await work();
    } catch (error) {
      if (!isPassing(error)) throw error;
      troubles.say('upkeep', error);
    }
    await sleep(pauseMs, undefined, { signal: stop }).catch(() => undefined);
  }
}
