import { appendFileSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseTaskFile } from '@countersign/contracts/task-file/parse.ts';
import type { TaskState } from '@countersign/contracts/task-record.ts';
import { sha256 } from '@countersign/kit/digest.ts';
import { expect, test } from 'vitest';
import { mergeTargets } from '../merge/merge-targets.ts';
import { makeHome, openContext } from '../testing/home.ts';
import { expectTidy, makeTarget } from '../testing/merge-ground.ts';
import { makeRecord, since, states } from '../testing/record.ts';
import { plainGit } from '../testing/repository.ts';
import { findSources } from './grounds.ts';
import { isMerging, mergeTask } from './merge-task.ts';

const cancellation = { command: 'command-000000000001', channel: 'shell' as const, user: 'op', reason: '', at: since };
const detail = { agent_role: 'operator' as const, summary: 'x' };

type Change = { readonly branch?: string; readonly approval?: Partial<typeof states.merging.approval> };

/** A workspace of several repositories with a result that is being merged. */
async function begin(names: readonly string[], { branch = 'main', approval = {} }: Change = {}) {
  const home = makeHome();
  const { layout } = home;
  const workspace = join(layout.workspaces, 'multi');
  const layoutFile = join(workspace, '.project/workspace.yaml');
  mkdirSync(join(workspace, '.project'), { recursive: true });
  const list = (kept: readonly string[]) =>
    writeFileSync(layoutFile, `version: 1\nrepositories:\n${kept.map((name) => `  - name: ${name}\n`).join('')}`);
  list(names);
  const targets = names.map((name) => {
    const made = makeTarget(workspace, name, { 'a.txt': 'one\n' }, (folder) =>
      appendFileSync(join(folder, 'a.txt'), 'two\n'),
    );
    if (branch !== 'main') plainGit(made.repository.folder, ['branch', '-m', 'main', branch]);
    return { ...made, branch, repository: { ...made.repository, path: `multi/${name}` } };
  });
  const context = await openContext(home);
  const run = await context.runs.ofTheDay('multi', context.now());
  const text = 'workspace: multi\n\nsay hello\n';
  const index = JSON.stringify({ version: 1, repositories: [] });
  const digest = sha256(index);
  const result = {
    repositories: targets.map(({ repository: { name }, base, head }) => ({
      name,
      branch,
      base_head: base,
      head,
      ref: `refs/agentic/${run}/abcde`,
      files: 1,
      insertions: 1,
      deletions: 0,
      flags: [],
    })),
    attempt: 1,
    digest,
    verification: { status: 'unverified' as const },
  };
  const given = { ...states.merging.approval, digest, unverified: true, ...approval };
  const state: TaskState = { ...states.merging, result, approval: given };
  const bases = targets.map(({ repository: { name }, base }) => ({ repository: name, branch, head: base }));
  const record = makeRecord({ run, workspace: 'multi', attempts: 1, task_file: sha256(text), bases, state });
  mkdirSync(join(layout.attempt(record), 'diffs'), { recursive: true });
  writeFileSync(join(layout.attempt(record), 'diffs/index.json'), index);
  writeFileSync(join(layout.task(run, record.id), 'task.md'), text);
  writeFileSync(layout.fileOf(record), text);
  await context.tasks.create(record, { event: 'task_accepted', phase: 'queue', agent_role: 'runner', summary: 'x' });
  const merge = async () => {
    const now = context.tasks.get(record.id);
    if (now === undefined || !isMerging(now)) throw new Error('it is not being merged');
    await mergeTask(context, now);
  };
  const tips = () =>
    targets.map(({ repository }) => plainGit(repository.folder, ['rev-parse', `refs/heads/${branch}`]));
  return {
    context,
    layout,
    record,
    targets,
    list,
    text,
    merge,
    tips,
    /** As the desk does it. */
    cancel: () =>
      context.tasks.update(record.id, { cancellation }, { ...detail, event: 'cancel_requested', phase: 'queue' }),
    state: () => context.tasks.get(record.id)?.state,
  };
}

type Ground = Awaited<ReturnType<typeof begin>>;

/** Merges until just behind a step, as a runner does that is killed there. */
async function dieAfter({ context, record, targets }: Ground, step: string): Promise<void> {
  const scratch = join(context.layout.attempt(record, 1), 'merge');
  mkdirSync(scratch, { recursive: true });
  const at = (now: string) => (now === step ? Promise.reject(new Error('killed')) : Promise.resolve());
  await mergeTargets(targets, scratch, { at }).catch(() => undefined);
}

const heads = ({ targets }: Ground) => targets.map(({ head }) => head);
const bases = ({ targets }: Ground) => targets.map(({ base }) => base);

test('all repositories are merged, and the task is done with who decided it', async () => {
  const ground = await begin(['a', 'b']);
  await ground.merge();
  expect(ground.tips()).toEqual(heads(ground));
  expect(ground.state()).toMatchObject({ status: 'done', merged: { user: 'op', unverified: true } });
});

test('F05 a merge that died between two branches is ended before anything else is judged', async () => {
  const ground = await begin(['a', 'b']);
  await dieAfter(ground, 'moved a');
  expect(ground.tips()).not.toEqual(heads(ground));
  ground.list(['a']);
  await expect(ground.merge()).rejects.toThrow(/begun and cannot be ended/);
  expect(ground.state()).toMatchObject({ status: 'merging' });
  ground.list(['a', 'b']);
  await ground.merge();
  expect(ground.tips()).toEqual(heads(ground));
  expect(ground.state()).toMatchObject({ status: 'done' });
});

test('F05 what died before the first branch moved is begun anew, and merged once', async () => {
  const ground = await begin(['a', 'b']);
  await dieAfter(ground, 'start');
  await ground.merge();
  expect(ground.tips()).toEqual(heads(ground));
  expect(ground.state()).toMatchObject({ status: 'done' });
});

test.each([
  ['nothing of it was begun', null],
  ['nothing of what was begun is left', 'start'],
])('what was cancelled before its merge is never merged, when %s', async (_, step) => {
  const ground = await begin(['a', 'b']);
  if (step !== null) await dieAfter(ground, step);
  await ground.cancel();
  await ground.merge();
  expect(ground.tips()).toEqual(bases(ground));
  expect(ground.state()).toMatchObject({ status: 'cancelled', reason: 'cancelled by op through shell' });
  for (const target of ground.targets) expectTidy(target);
});

test('F05 what had begun to be merged is ended, whoever cancelled it meanwhile', async () => {
  const ground = await begin(['a', 'b']);
  await dieAfter(ground, 'moved a');
  await ground.cancel();
  await ground.merge();
  expect(ground.tips()).toEqual(heads(ground));
  expect(ground.state()).toMatchObject({ status: 'done' });
});

test('many repositories with long branches are merged, and the reason is cut to its room', async () => {
  const ground = await begin(['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j', 'k'], {
    branch: `topic/${'x'.repeat(190)}`,
  });
  await ground.merge();
  expect(ground.tips()).toEqual(heads(ground));
  expect(ground.state()?.reason.length).toBeLessThanOrEqual(2_000);
}, 60_000);

test('a task file that let itself into a branch does not, when that branch is protected by now', async () => {
  const ground = await begin(['a'], { approval: { channel: 'task-file' } });
  await ground.merge();
  expect(ground.tips()).toEqual(bases(ground));
  expect(ground.state()).toMatchObject({ status: 'review', refusals: [{ code: 'forbidden-branch' }] });
});

test('another digest than the one that was decided on merges nothing', async () => {
  const ground = await begin(['a'], { approval: { digest: 'e'.repeat(64) } });
  await ground.merge();
  expect(ground.tips()).toEqual(bases(ground));
  expect(ground.state()).toMatchObject({ status: 'review', refusals: [{ code: 'stale-digest' }] });
});

test('where only a human can mend what is half merged, git’s locks are free for it', async () => {
  const ground = await begin(['a', 'b']);
  await dieAfter(ground, 'moved a');
  const commitOn = (folder: string, parent: string) =>
    plainGit(folder, ['commit-tree', '-p', parent, '-m', 'mine', plainGit(folder, ['rev-parse', `${parent}^{tree}`])]);
  const locksIn = (folder: string) => readdirSync(join(folder, '.git')).filter((name) => name.endsWith('.lock'));
  for (const { repository, base, head } of ground.targets) {
    const { folder, name } = repository;
    for (const lock of ['index.lock', 'HEAD.lock', 'refs/heads/main.lock'])
      rmSync(join(folder, '.git', lock), { force: true });
    plainGit(folder, ['update-ref', 'refs/heads/main', commitOn(folder, name === 'a' ? head : base)]);
  }
  await expect(ground.merge()).rejects.toThrow();
  expect(ground.targets.flatMap(({ repository }) => locksIn(repository.folder))).toEqual([]);
  expect(ground.state()).toMatchObject({ status: 'merging' });
});

test('a repository that left its workspace is missed, and never passed over', async () => {
  const { context, record, list, text } = await begin(['a', 'b']);
  list(['a']);
  const parsed = parseTaskFile(Buffer.from(text));
  if (!parsed.ok) throw new Error('no task file');
  expect(await findSources(context, parsed.file, record.bases)).toMatchObject({
    ok: false,
    reason: expect.stringMatching(/workspace multi has no repository "b"/),
  });
});

test('a durable task names its repositories where the file names none', async () => {
  const { context, layout } = await begin(['a', 'b']);
  const folder = join(layout.memory, 'multi/tasks');
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'T0147-x.md'), '---\nid: T0147\ntitle: One of two\nstatus: todo\nrepos: [b]\n---\n\nx\n');
  const sourcesOf = async (more: string) => {
    const parsed = parseTaskFile(Buffer.from(`workspace: multi\ntask: T0147\n${more}\n\nx\n`));
    if (!parsed.ok) throw new Error('no task file');
    const found = await findSources(context, parsed.file, null);
    return found.ok ? found.sources.map(({ base }) => base.repository) : found.reason;
  };
  expect(await sourcesOf('')).toEqual(['b']);
  expect(await sourcesOf('repos: [a]')).toEqual(['a']);
});
