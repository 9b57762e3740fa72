import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { HealthReport } from '@countersign/contracts/health.ts';
import { sha256 } from '@countersign/kit/digest.ts';
import { createLogger } from '@countersign/kit/logger.ts';
import { expect, onTestFinished, test, vi } from 'vitest';
import { runRunner } from './create-runner.ts';
import { HomeGuard } from './state/home-guard.ts';
import type { Layout } from './state/layout.ts';
import { eventsOf, makeConfig, makeHome, makeSentinel, openContext } from './testing/home.ts';
import { approval, makeRecord, states } from './testing/record.ts';
import { scratchFolder } from './testing/scratch.ts';

// A whole runner makes and reads repositories; other tests use the processors, too.
vi.setConfig({ testTimeout: 60_000 });

const text = 'workspace: project\n\nsay hello\n';

/** A whole runner without launcher and gateway, over a home. */
async function start(home: ReturnType<typeof makeHome>) {
  const { layout } = home;
  mkdirSync(layout.logs, { recursive: true });
  const stop = new AbortController();
  const guard = await HomeGuard.enter(layout, 0, stop.signal);
  let looks = 0;
  const trouble = guard.trouble.bind(guard);
  guard.trouble = async () => {
    looks += 1;
    return await trouble();
  };
  const logger = createLogger('runner', 'silent');
  const running = runRunner({ ...makeConfig(home), secrets: scratchFolder() }, guard, logger, stop.signal);
  let ended = false;
  const end = async () => {
    if (ended) return;
    ended = true;
    stop.abort();
    await running;
    await guard[Symbol.asyncDispose]();
  };
  onTestFinished(end);
  return { end, looks: () => looks };
}

async function until<T>(look: () => T | null | undefined | false): Promise<T> {
  for (;;) {
    try {
      const seen = look();
      if (seen !== null && seen !== undefined && seen !== false) return seen;
    } catch {
      // Not there yet.
    }
    await sleep(20);
  }
}

const healthOf = (layout: Layout) =>
  HealthReport.parse(JSON.parse(readFileSync(join(layout.logs, 'health.json'), 'utf8')));
const drop = (layout: Layout, name: string) => {
  writeFileSync(join(layout.queue('inbox'), `.${name}`), text);
  renameSync(join(layout.queue('inbox'), `.${name}`), join(layout.queue('inbox'), name));
};
/** Names of the events of the one run that there is. */
const eventsOfRun = (layout: Layout) => {
  const [run = ''] = readdirSync(layout.runs).filter((name) => name.startsWith('RUN-'));
  return eventsOf(layout.runJournal(run)).map(({ event }) => event);
};

test('F43 a home that is moved away stops everything, nothing is written in its place, and it goes on when it is back', async () => {
  const home = makeHome();
  const { layout } = home;
  const { end, looks } = await start(home);
  drop(layout, 'first.md');
  await until(() => eventsOfRun(layout).includes('task_accepted'));
  const settled = looks();
  await until(() => looks() > settled + 1);
  renameSync(layout.home, `${layout.home}.away`);
  mkdirSync(layout.home);
  const before = looks();
  await until(() => looks() > before + 3);
  expect(readdirSync(layout.home)).toEqual([]);
  rmSync(layout.home, { recursive: true });
  renameSync(`${layout.home}.away`, layout.home);
  drop(layout, 'second.md');
  await until(() => eventsOfRun(layout).filter((event) => event === 'task_accepted').length === 2);
  await end();
  expect(eventsOf(layout.ownJournal).map(({ event }) => event)).not.toContain('journal_behind');
});

test('F26 another home in its place is said in the health, and that it is its own again', async () => {
  const home = makeHome();
  const { layout } = home;
  const own = readFileSync(layout.sentinel);
  await start(home);
  await until(() => healthOf(layout).status === 'waiting');
  writeFileSync(layout.sentinel, JSON.stringify(makeSentinel()));
  expect(await until(() => healthOf(layout).status === 'failing' && healthOf(layout).reason)).toContain(
    'is another home',
  );
  drop(layout, 'first.md');
  writeFileSync(layout.sentinel, own);
  await until(() => eventsOfRun(layout).includes('task_accepted'));
  expect(await until(() => healthOf(layout).status !== 'failing')).toBe(true);
});

test('a run that was removed while no runner ran is told of in journal and health, and the others go on', async () => {
  const home = makeHome();
  const { layout } = home;
  const first = await start(home);
  drop(layout, 'first.md');
  const run = await until(
    () =>
      eventsOfRun(layout).includes('task_accepted') && readdirSync(layout.runs).find((name) => name.startsWith('RUN-')),
  );
  await first.end();
  rmSync(layout.run(run), { recursive: true });
  rmSync(join(layout.queue('inbox'), 'first.md'));

  const second = await start(home);
  drop(layout, 'second.md');
  await until(() => eventsOfRun(layout).includes('task_accepted'));
  expect(healthOf(layout)).toMatchObject({
    status: 'failing',
    reason: expect.stringContaining(`the journal of ${run} is gone`),
  });
  await second.end();
  expect(eventsOf(layout.ownJournal).filter(({ event }) => event === 'journal_behind')).toMatchObject([
    { data: { journal: run, events: expect.any(Number) } },
  ]);
  const heads = readFileSync(layout.heads, 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line).journal);
  expect(heads).toContain('service');
});

test('A23 A32 while nobody can be asked a request waits and then expires, and so does an approval that nothing began', async () => {
  const home = makeHome();
  const { layout } = home;
  const context = await openContext(home);
  const run = await context.runs.ofTheDay('project', context.now());
  const ends = new Date(Date.now() + 3_000).toISOString();
  const waiting = [
    makeRecord({ id: 'asked', dropped_as: 'asked.md', state: { ...states.pending, expires_at: ends } }),
    makeRecord({
      id: 'given',
      dropped_as: 'given.md',
      state: { ...states.approved, approval: { ...approval, expires_at: ends } },
    }),
  ].map((record) => ({
    ...record,
    run,
    stage: 'staging',
    gate: true,
    file: `${record.id}.md`,
    task_file: sha256(text),
  }));
  for (const record of waiting) {
    mkdirSync(layout.task(run, record.id), { recursive: true });
    writeFileSync(join(layout.task(run, record.id), 'task.md'), text);
    writeFileSync(layout.fileOf(record), text);
    await context.tasks.create(record, { event: 'task_accepted', phase: 'queue', agent_role: 'runner', summary: 'x' });
  }
  await context.close();
  const { end, looks } = await start(home);
  await until(() => eventsOfRun(layout).filter((event) => event === 'task_expired').length === 2);
  expect(Date.now()).toBeGreaterThanOrEqual(Date.parse(ends));
  const settled = looks();
  await until(() => looks() > settled + 2);
  await end();
  const events = eventsOfRun(layout).filter((event) => !event.startsWith('run_') && event !== 'task_waiting');
  expect(events).toEqual(['task_accepted', 'task_accepted', 'task_expired', 'task_expired']);
  expect(readdirSync(layout.queue('outbox/rejected')).sort()).toEqual(['asked.md', 'given.md']);
  const reasonOf = (id: string) =>
    JSON.parse(readFileSync(join(layout.task(run, id), 'task.json'), 'utf8')).state.reason;
  expect(['asked', 'given'].map(reasonOf)).toEqual([
    `nobody decided before ${ends}`,
    `approved, and not begun before ${ends}`,
  ]);
});
