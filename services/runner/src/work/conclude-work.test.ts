import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseTaskFile } from '@countersign/contracts/task-file/parse.ts';
import { sha256 } from '@countersign/kit/digest.ts';
import { expect, test, vi } from 'vitest';
import { filesIn, makeHome, openContext } from '../testing/home.ts';
import { makeRecord, result, since, states } from '../testing/record.ts';
import { concludeWork } from './conclude-work.ts';
import { isMerging, mergeTask } from './merge-task.ts';

const text = 'workspace: project\non_success: merge\npostconditions: ["true"]\n\nsay hello\n';
const cancellation = { command: 'command-000000000001', channel: 'shell' as const, user: 'op', reason: '', at: since };

/** Work that was verified, may merge by itself into a branch that is not protected, and is about to be told so. */
async function begin() {
  const context = await openContext(makeHome());
  const run = await context.runs.ofTheDay('project', context.now());
  const topic = { ...result, repositories: result.repositories.map((one) => ({ ...one, branch: 'topic' })) };
  const record = makeRecord({
    run,
    attempts: 1,
    task_file: sha256(text),
    state: { ...states.verifying, result: topic },
  });
  mkdirSync(context.layout.attempt(record), { recursive: true });
  writeFileSync(join(context.layout.task(run, record.id), 'task.md'), text);
  writeFileSync(context.layout.fileOf(record), text);
  await context.tasks.create(record, { event: 'task_accepted', phase: 'queue', agent_role: 'runner', summary: 'x' });
  const parsed = parseTaskFile(Buffer.from(text));
  if (!parsed.ok) throw new Error('no task file');
  const { verification } = topic;
  return {
    context,
    conclude: () => concludeWork(context, record, parsed.file, { result: topic, verification }),
    /** As the desk does it. */
    cancel: () =>
      context.tasks.update(
        record.id,
        { cancellation },
        { event: 'cancel_requested', phase: 'queue', agent_role: 'operator', summary: 'x' },
      ),
    now: () => context.tasks.get(record.id) ?? record,
  };
}

test('work that its file lets merge by itself does', async () => {
  const { conclude, now } = await begin();
  await conclude();
  expect(now().state.status).toBe('merging');
});

test('work that was cancelled after its conditions were checked is cancelled, and does not approve itself', async () => {
  const { context, conclude, cancel, now } = await begin();
  await cancel();
  await conclude();
  expect(now().state).toMatchObject({ status: 'cancelled', reason: 'cancelled by op through shell' });
  expect(filesIn(context.layout, 'outbox/cancelled')).toEqual(['x.md']);
});

test('a cancellation that comes while it is being written down is not merged over', async () => {
  const { context, conclude, cancel, now } = await begin();
  const transition = context.tasks.transition.bind(context.tasks);
  vi.spyOn(context.tasks, 'transition').mockImplementationOnce(async (...change) => {
    await cancel();
    return await transition(...change);
  });
  await conclude();
  const handed = now();
  expect(handed).toMatchObject({ state: { status: 'merging' }, cancellation });
  if (isMerging(handed)) await mergeTask(context, handed);
  expect(now().state.status).toBe('cancelled');
});
