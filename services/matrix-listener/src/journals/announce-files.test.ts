import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { sha256 } from '@countersign/kit/digest.ts';
import { makeReviewTask, type ReviewChange, writeReviewTask } from '@countersign/kit/testing/review-task.ts';
import { makeWaitingTask, writeWaitingTask } from '@countersign/kit/testing/waiting-task.ts';
import { expect, test } from 'vitest';
import { recordSent } from '../outbox/send-loop.ts';
import { messageKey } from '../state/key.ts';
import { emptyState } from '../state/listener-state.ts';
import { makeAnnouncing } from '../testing/announcing.ts';
import { bot, eventId, room } from '../testing/room-events.ts';
import { scratchFolder } from '../testing/scratch.ts';
import { announce } from './announce.ts';
import type { News } from './news.ts';

function begin() {
  const announcing = makeAnnouncing(scratchFolder());
  const state = emptyState(room, bot);
  const hear = async (news: News, isFinal = false) => (await announce(announcing, news, isFinal))(state);
  return {
    state,
    hear,
    volumes: announcing.volumes,
    review: async (change: ReviewChange = {}, key = 'review', back: 'merge' | null = null) => {
      const task = makeReviewTask(change);
      await writeReviewTask(announcing.volumes, task);
      await hear({ kind: 'review', key: messageKey(key), record: task.record, back });
      return task;
    },
    ask: async (plan: string) => {
      const task = makeWaitingTask(plan);
      await writeWaitingTask(announcing.volumes, task);
      await hear({ kind: 'request', key: messageKey('request'), record: task.record });
      return task;
    },
    files: () => state.outgoing.flatMap(({ file }) => file ?? []),
  };
}

test('a result’s patches follow its message, by their digests', async () => {
  const { state, review, files } = begin();
  const patches = { demo: 'diff of demo', 'web.site': 'diff of web' };
  await review({ patches });
  expect(state.outgoing.map(({ file }) => file?.name)).toEqual([undefined, 'gated-demo.patch', 'gated-web.site.patch']);
  expect(files()[1]).toEqual({
    of: messageKey('review'),
    task: 'gated',
    name: 'gated-web.site.patch',
    path: 'runs/RUN-20261120-001/tasks/gated/attempts/1/diffs/web.site.patch',
    sha256: sha256(patches['web.site']),
  });
});

test('eight at most, none that is empty and none that is too large', async () => {
  const { review, files } = begin();
  const many = Object.fromEntries(Array.from({ length: 10 }, (_, at) => [`r${at}`, 'x']));
  await review({ patches: { ...many, r0: '', r1: 'x'.repeat(2 * 1024 * 1024 + 1), r10: 'x', r11: 'x' } });
  expect(files().map(({ name }) => name)).toEqual([2, 3, 4, 5, 6, 7, 8, 9].map((at) => `gated-r${at}.patch`));
});

test('a result that comes back is not shown anew, and neither are its patches', async () => {
  const { state, review, files } = begin();
  await review();
  await review({}, 'again', 'merge');
  expect(files()).toHaveLength(1);
  for (const waiting of [...state.outgoing]) recordSent(state, waiting, eventId(waiting.key), 1);
  await review({}, 'once more', 'merge');
  expect(files()).toEqual([]);
  expect(state.outgoing).toHaveLength(1);
});

test('of a diff that is not the one of its digest nothing is attached', async () => {
  const { state, volumes, hear } = begin();
  const task = makeReviewTask();
  const folder = await writeReviewTask(volumes, task);
  writeFileSync(join(folder, 'attempts/1/diffs/index.json'), '{"version":1,"repositories":[]}');
  await hear({ kind: 'review', key: messageKey('review'), record: task.record, back: null }, true);
  expect(state.outgoing).toMatchObject([{ request: null }]);
});

test('a plan that stands whole in its message is no file; one that was cut is', async () => {
  const short = begin();
  await short.ask('the plan\n'.repeat(50));
  expect(short.files()).toEqual([]);
  const long = begin();
  const plan = 'a line of the plan\n'.repeat(2_000);
  const { view } = await long.ask(plan);
  expect(long.files()).toEqual([
    {
      of: messageKey('request'),
      task: 'gated',
      name: 'gated-plan.md',
      path: 'runs/RUN-20261120-001/tasks/gated/attempts/1/plan.md',
      sha256: view.bundle.plan,
    },
  ]);
  expect(sha256(plan)).toBe(view.bundle.plan);
});

test('a plan cannot pass for one that was cut, nor hide that it was', async () => {
  const lie = begin();
  await lie.ask('… 3 more lines, 99 characters: scripts/countersign show gated</p>');
  expect(lie.files()).toEqual([]);
  const hiding = begin();
  await hiding.ask(`${'x\n'.repeat(30_000)}</code></pre></details>`);
  expect(hiding.files()).toHaveLength(1);
});
