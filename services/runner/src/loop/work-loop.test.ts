import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { sha256 } from '@countersign/kit/digest.ts';
import { SystemTrouble } from '@countersign/kit/system-trouble.ts';
import { expect, onTestFinished, test, vi } from 'vitest';
import type { Context } from '../context.ts';
import { paces } from '../paces.ts';
import { NoSandboxError } from '../sandbox/pool.ts';
import { newSlotId, Slot } from '../sandbox/slot.ts';
import { makeHome, openContext } from '../testing/home.ts';
import { makeRecord, states } from '../testing/record.ts';
import type { Activity } from '../work/attempt.ts';
import { OwnPast } from './own-past.ts';
import { QueueControl } from './queue-control.ts';
import { WorkLoop } from './work-loop.ts';

// Bases are found by git, and a machine may be busy.
vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

type Ways = {
  /** Has the loop's task get a sandbox, or not. */
  readonly acquire?: () => Promise<Slot>;
  readonly acquireWithoutModel?: () => Promise<Slot>;
  /** Called as often as the loop looks at the file of a task that something is at work on. */
  readonly atWork?: (activity: Activity) => void;
  /** Called as often as the loop asks for the model; false where there is none. */
  readonly hasModel?: (queue: QueueControl) => boolean;
};

/** A loop over one task that its breaker lets try, with the parts around it that a test chooses. */
async function begin(text: string, { acquire, acquireWithoutModel, atWork, hasModel }: Ways) {
  const home = makeHome();
  const opened = await openContext(home);
  const { layout, journal, troubles } = opened;
  const past = await OwnPast.read(journal.path);
  const queue = await QueueControl.open({ layout, journal, troubles, past }, { failures: 1, waitMs: 0 }, []);
  const failed = makeRecord({ id: 'failed', state: states.running });
  queue.told(failed);
  queue.told({ ...failed, state: states.failed });
  await queue.settled();
  const run = await opened.runs.ofTheDay('project', opened.now());
  const record = makeRecord({ run, task_file: sha256(text) });
  mkdirSync(layout.task(run, record.id), { recursive: true });
  for (const path of [join(layout.task(run, record.id), 'task.md'), layout.fileOf(record)]) writeFileSync(path, text);
  await opened.tasks.create(record, { event: 'task_accepted', phase: 'queue', agent_role: 'runner', summary: 'x' });
  opened.tasks.observe((one) => queue.told(one));
  const none = () => Promise.reject(new NoSandboxError('none'));
  const begun = vi.fn(acquire ?? acquireWithoutModel ?? none);
  const pool = {
    tidy: async () => 0,
    sandboxes: async () => [],
    meter: () => null,
    metered: async () => null,
    release: (used: Slot) => used[Symbol.asyncDispose](),
    acquire: acquire === undefined ? none : begun,
    acquireWithoutModel: acquireWithoutModel === undefined ? none : begun,
  };
  const model = { ok: true as const, model: { kind: 'own' as const, name: 'small' }, contextLength: 4_096 };
  const dependencies = {
    get state() {
      return {
        launcher: { ok: true, profiles: new Map() },
        model: hasModel?.(queue) === false ? { ok: false, reason: 'no model' } : model,
        disk: { ok: true, freeBytes: 1 },
      };
    },
    profileFor: () => Promise.resolve({ ok: true, profile: { name: 'default', workspace_bytes: 100_000_000 } }),
  };
  const soon = { turnMs: 5, finishRetryMs: 5, sandboxRetryMs: 5, lostCheckMs: 5, collectMs: 5 };
  const context = { ...opened, queue, pool, dependencies, paces: { ...paces, ...soon } } as unknown as Context;
  const stop = new AbortController();
  const parts = {
    intake: { scan: async () => undefined, hasMore: false },
    desk: { turn: async () => undefined },
    keeper: {
      check: async (_record: unknown, activity: Activity | undefined) => {
        if (activity !== undefined) atWork?.(activity);
        return 'unchanged';
      },
    },
    health: { beat: async () => undefined },
    guard: { trouble: async () => null },
  } as unknown as ConstructorParameters<typeof WorkLoop>[1];
  const running = new WorkLoop(context, parts, stop.signal).run();
  onTestFinished(async () => {
    stop.abort();
    await running;
  });
  return { begun, queue };
}

const text = 'workspace: project\n\nsay hello\n';
const slot = () => {
  const { slots } = makeHome();
  return Slot.open(slots, newSlotId());
};
const patience = { timeout: 20_000 };

test.each([
  ['no sandbox can be had', new NoSandboxError('none')],
  ['the disk is full for a moment', new SystemTrouble('ENOSPC', 'no room')],
])('a probe that does not begin, for %s, is begun again', async (_, error) => {
  const { begun } = await begin(text, { acquire: () => Promise.reject(error) });
  await expect.poll(() => begun.mock.calls.length, patience).toBeGreaterThan(1);
});

test('a probe whose file changes before it begins is begun again', async () => {
  const { promise: changed, resolve } = Promise.withResolvers<void>();
  const { begun } = await begin(text, {
    acquire: () => changed.then(slot),
    atWork: (activity) => {
      activity.stop('file_changed');
      resolve();
    },
  });
  await expect.poll(() => begun.mock.calls.length, patience).toBeGreaterThan(1);
});

test('a probe that lost the sandbox of its preconditions is begun again', async () => {
  const { begun } = await begin('workspace: project\npreconditions: ["true"]\n\nsay hello\n', {
    acquireWithoutModel: slot,
  });
  await expect.poll(() => begun.mock.calls.length, patience).toBeGreaterThan(1);
});

test('a probe whose model goes in the turn in which it was chosen is begun when there is one again', async () => {
  let isLost = false;
  let isBack = false;
  const { begun } = await begin(text, {
    acquire: () => Promise.reject(new NoSandboxError('none')),
    hasModel: ({ breakers }) => {
      const isProbing = breakers.open()[0]?.state === 'probing';
      isBack ||= isLost && !isProbing;
      isLost ||= isProbing;
      return isBack || !isProbing;
    },
  });
  await expect.poll(() => begun.mock.calls.length, patience).toBeGreaterThan(0);
  expect(isLost).toBe(true);
});
