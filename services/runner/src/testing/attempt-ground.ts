import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Stage } from '@countersign/contracts/config/stages.ts';
import type { EndFrame, TaskFrame } from '@countersign/contracts/frames.ts';
import type { Profile } from '@countersign/contracts/launcher-api.ts';
import type { TaskRecord } from '@countersign/contracts/task-record.ts';
import { sha256 } from '@countersign/kit/digest.ts';
import { createLogger } from '@countersign/kit/logger.ts';
import { onTestFinished } from 'vitest';
import { Questions } from '../questions/questions.ts';
import { Gateway, Launcher } from '../sandbox/clients.ts';
import { SandboxPool } from '../sandbox/pool.ts';
import { Activity } from '../work/attempt.ts';
import { workOn } from '../work/work-on.ts';
import { honestBundle } from './bundle.ts';
import { endOf, type FakeSandbox } from './fake-sandbox.ts';
import { FakeGateway, FakeLauncher, fakeImage } from './fake-service.ts';
import { eventsOf, makeHome, openContext } from './home.ts';
import { makeRecord, states } from './record.ts';
import { checkoutPack, commitFiles, plainGit } from './repository.ts';
import { scratchFolder } from './scratch.ts';

const text = 'workspace: project\n\nsay hello\n';
const profile: Profile = {
  name: 'default',
  image: fakeImage,
  definition: 'd'.repeat(64),
  runtime: 'runc',
  workspace_bytes: 100_000_000,
  memory_bytes: 200_000_000,
  toolchain: 'own',
  warm: 0,
};
const needs = { model: { kind: 'rehearsal' as const, name: 'rehearsal' }, contextLength: 8_192, profile };

/** One attempt at a task, with real stores, a pool over a fake launcher and gateway, and a sandbox that the test plays. */
export async function beginAttempt(changes: Partial<TaskRecord> = {}, stage: Partial<Stage> = {}) {
  const home = makeHome();
  const folder = scratchFolder();
  const [slots, modelSlots] = [join(folder, 'slots'), join(folder, 'model-slots')];
  for (const path of [slots, modelSlots]) mkdirSync(path);
  const launcher = await FakeLauncher.listen(folder, slots);
  const gateway = await FakeGateway.listen(folder, modelSlots);
  const clients = { launcher: new Launcher(launcher.socket), gateway: new Gateway(gateway.socket) };
  const pool = new SandboxPool({ slots, modelSlots, ...clients, logger: createLogger('runner', 'silent') });
  onTestFinished(async () => {
    await pool[Symbol.asyncDispose]();
    await clients.launcher[Symbol.asyncDispose]();
    await clients.gateway[Symbol.asyncDispose]();
  });
  const opened = await openContext(home);
  const { tasks, runs, now } = opened;
  const questions = new Questions({ tasks, runs, now, changed: (id) => pool.repeatSlot(id) });
  const context = { ...opened, pool, questions };
  const { stages } = context.config.stages;
  stages['dev'] = Stage.parse({ ...stages['dev'], ...stage });
  const run = await context.runs.ofTheDay('project', context.now());
  const record = makeRecord({
    run,
    state: states.queued,
    attempts: 0,
    bases: null,
    model: null,
    task_file: sha256(text),
    ...changes,
  });
  mkdirSync(context.layout.task(run, record.id), { recursive: true });
  writeFileSync(join(context.layout.task(run, record.id), 'task.md'), text);
  writeFileSync(context.layout.fileOf(record), text);
  await context.tasks.create(record, { event: 'task_accepted', phase: 'queue', agent_role: 'runner', summary: 'x' });
  const activity = new Activity((own) => workOn(context, record, needs, false, own, new AbortController().signal));
  const slot = async () => {
    while (launcher.connections.size === 0) await new Promise((resolve) => setTimeout(resolve, 2));
    return [...launcher.connections.keys()][0] ?? '';
  };
  const takeTask = async () => {
    const id = await slot();
    const sandbox = launcher.connections.get(id);
    if (sandbox === undefined) throw new Error('no sandbox');
    return { id, sandbox, ...(await sandbox.takeTask()) };
  };
  return {
    context,
    launcher,
    gateway,
    pool,
    activity,
    takeTask,
    now: () => context.tasks.get(record.id) ?? record,
    events: () => eventsOf(context.layout.runJournal(run)),
    attemptFolder: () => context.layout.attempt({ ...record, attempts: 1 }),
    repository: join(context.layout.workspaces, 'project'),
  };
}

/** What a sandbox delivers that was given this task and has written one file. */
export function workOf(frame: TaskFrame, pack: Buffer, changes: Partial<EndFrame>): (sandbox: FakeSandbox) => void {
  const folder = scratchFolder();
  const path = join(folder, 'base.pack');
  writeFileSync(path, pack);
  const base = frame.repositories[0]?.base_head ?? '';
  const checkout = checkoutPack(folder, path, base);
  commitFiles(checkout, { 'kept.txt': 'kept\n' }, 'by the tool');
  const bundle = readFileSync(honestBundle(checkout, base));
  const head = plainGit(checkout, ['rev-parse', 'HEAD']);
  return (sandbox) => {
    sandbox.chunk('bundle', 0, bundle);
    const end = endOf(frame.task, { bundle });
    sandbox.say('end', { ...end, bundles: end.bundles.map((entry) => ({ ...entry, head })), ...changes });
  };
}
