import { spawn } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, rmSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import { addResult, expectMerged, expectTidy, expectUnmoved, makeTarget } from '../testing/merge-ground.ts';
import type { MergeProcess } from '../testing/merge-process.ts';
import { commitFiles, plainGit } from '../testing/repository.ts';
import { scratchFolder } from '../testing/scratch.ts';
import { MergeRecoveryError } from './merge-recovery-error.ts';
import type { MergeTarget } from './merge-target.ts';
import { mergeTargets } from './merge-targets.ts';
import { recoverMerge } from './recover-merge.ts';

// Many processes of git, on a machine that may be busy.
vi.setConfig({ testTimeout: 60_000 });

const put = (folder: string, name: string, text: string) => writeFileSync(join(folder, name), text);

/** Two repositories whose checkouts follow, and one in which another branch is checked out. */
function makeTargets(parent: string): readonly MergeTarget[] {
  const base = { edit: 'old', 'folder/gone': 'gone', 'to-folder': 'file' };
  const targets = ['one', 'two', 'three'].map((name) =>
    makeTarget(parent, name, base, (folder) => {
      put(folder, 'edit', `new in ${name}`);
      if (name !== 'one') return;
      rmSync(join(folder, 'folder'), { recursive: true });
      unlinkSync(join(folder, 'to-folder'));
      mkdirSync(join(folder, 'to-folder'));
      put(folder, 'to-folder/inside', 'inside');
      symlinkSync('edit', join(folder, 'link'));
    }),
  );
  // Samples of hooks are most of the files of a small repository.
  for (const { repository } of targets) rmSync(join(repository.folder, '.git/hooks'), { recursive: true });
  plainGit(targets[2]?.repository.folder ?? '', ['switch', '-q', '-c', 'other']);
  return targets;
}

/** Works on a copy, in a process that is killed at a step; resolves to the steps that it reached, and whether it was killed. */
async function runKilled(process: MergeProcess): Promise<{ steps: readonly string[]; killed: boolean }> {
  writeFileSync(process.log, '');
  const program = join(import.meta.dirname, '../testing/merge-process.ts');
  const child = spawn('node', [program, JSON.stringify(process)], { detached: true, stdio: 'inherit' });
  const [code, signal] = await new Promise<[number | null, string | null]>((resolve) =>
    child.on('exit', (...ended) => resolve(ended)),
  );
  if (signal === null) expect(code).toBe(0);
  return { steps: readFileSync(process.log, 'utf8').trimEnd().split('\n'), killed: signal === 'SIGKILL' };
}

function copyOf(targets: readonly MergeTarget[], from: string, to: string): readonly MergeTarget[] {
  cpSync(from, to, { recursive: true, preserveTimestamps: true, verbatimSymlinks: true });
  return targets.map((target) => ({
    ...target,
    repository: { ...target.repository, folder: join(to, target.repository.name) },
  }));
}

async function expectEnded(targets: readonly MergeTarget[], scratch: string, merged: boolean): Promise<void> {
  expect(await recoverMerge(targets, scratch)).toBe(merged ? 'merged' : 'not-merged');
  for (const target of targets) {
    if (merged) expectMerged(target);
    else expectUnmoved(target);
    expect(plainGit(target.repository.folder, ['status', '--porcelain', '--untracked-files=all'])).toBe('');
  }
  expect(await recoverMerge(targets, scratch)).toBe(merged ? 'merged' : 'not-merged');
}

test('S083 F02 killed at every step of a merge of three repositories, and again while it recovers: all or none', async () => {
  const parent = scratchFolder();
  const template = join(parent, 'template');
  const made = makeTargets(template);
  const every = process.env['COUNTERSIGN_TEST_ALL'] === 'yes';
  const outcomes = { merged: 0, 'not-merged': 0 };
  for (let killAt = 1, killed = true; killed; killAt += 1) {
    const ground = join(parent, `${killAt}`);
    const targets = copyOf(made, template, ground);
    const scratch = join(ground, 'scratch');
    const log = join(ground, 'log');
    const first = await runKilled({ work: 'merge', targets, scratch, killAt, log });
    killed = first.killed;
    const merged = first.steps.some((step) => step.startsWith('moved '));
    // Without the wish for all of them one recovery is killed for each step of the merge, each time at another of its own.
    for (let again = every ? 1 : (killAt % 7) + 1, more = killed; more; again += 1) {
      const second = await runKilled({ work: 'recover', targets, scratch, killAt: again, log });
      more = every && second.killed;
    }
    await expectEnded(targets, scratch, merged);
    outcomes[merged ? 'merged' : 'not-merged'] += 1;
    rmSync(ground, { recursive: true });
  }
  expect(outcomes.merged).toBeGreaterThan(8);
  expect(outcomes['not-merged']).toBeGreaterThan(20);
}, 1_200_000);

/** Merges in a process that is killed when it has reached the step. */
async function killedAt(targets: readonly MergeTarget[], parent: string, step: string): Promise<string> {
  const scratch = join(parent, 'scratch');
  const log = join(parent, 'log');
  const dry = join(parent, 'dry');
  mkdirSync(dry);
  const copies = targets.map((target) => copyOf([target], target.repository.folder, join(dry, target.repository.name)));
  const trial = copies.flatMap((copy, index) =>
    copy.map((one) => ({
      ...one,
      repository: { ...one.repository, folder: join(dry, targets[index]?.repository.name ?? '') },
    })),
  );
  const steps: string[] = [];
  await mergeTargets(trial, join(dry, 'scratch'), { at: async (reached) => void steps.push(reached) });
  const killAt = steps.indexOf(step) + 1;
  expect(killAt, steps.join('\n')).toBeGreaterThan(0);
  expect(await runKilled({ work: 'merge', targets, scratch, killAt, log })).toMatchObject({ killed: true });
  return scratch;
}

const two = (parent: string) =>
  ['one', 'two'].map((name) => makeTarget(parent, name, { a: 'a', b: 'b' }, (folder) => put(folder, 'a', 'changed')));

test('what a human wrote between the death and the recovery stays', async () => {
  const parent = scratchFolder();
  const targets = two(parent);
  const [one, other] = targets.map(({ repository }) => repository.folder);
  const scratch = await killedAt(targets, parent, 'aside two 0');
  put(one ?? '', 'a', 'over the new file');
  put(other ?? '', 'a', 'in the empty place');
  expect(await recoverMerge(targets, scratch)).toBe('not-merged');
  expect(readFileSync(join(one ?? '', 'a'), 'utf8')).toBe('over the new file');
  expect(readFileSync(join(other ?? '', 'a'), 'utf8')).toBe('in the empty place');
  for (const target of targets) expectUnmoved(target);
});

test('when a branch was moved before it could follow, those that moved are put back', async () => {
  const parent = scratchFolder();
  const targets = two(parent);
  const scratch = await killedAt(targets, parent, 'moved one');
  const second = targets[1]?.repository.folder ?? '';
  for (const lock of ['index.lock', 'HEAD.lock', 'refs/heads/main.lock']) unlinkSync(join(second, '.git', lock));
  plainGit(second, ['commit', '-q', '--allow-empty', '-m', 'of the human']);
  expect(await recoverMerge(targets, scratch)).toBe('not-merged');
  for (const target of targets.slice(0, 1)) expectUnmoved(target);
  expect(plainGit(targets[0]?.repository.folder ?? '', ['status', '--porcelain'])).toBe('');
  for (const target of targets) expectTidy(target);
  expect(plainGit(second, ['log', '-1', '--format=%s', 'main'])).toBe('of the human');
  expect(await recoverMerge(targets, scratch)).toBe('not-merged');
});

test('when that is not possible either, nothing is touched and it is said', async () => {
  const parent = scratchFolder();
  const targets = two(parent);
  const scratch = await killedAt(targets, parent, 'moved one');
  for (const { repository } of targets) {
    for (const lock of ['index.lock', 'HEAD.lock', 'refs/heads/main.lock'])
      unlinkSync(join(repository.folder, '.git', lock));
    plainGit(repository.folder, ['commit', '-q', '--allow-empty', '-m', 'of the human']);
  }
  const error = await recoverMerge(targets, scratch).catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(MergeRecoveryError);
  expect(error).toMatchObject({ code: 'half-merged', repositories: ['one', 'two'] });
  for (const { repository } of targets)
    expect(plainGit(repository.folder, ['log', '-1', '--format=%s', 'main'])).toBe('of the human');
});

test('a lock of another git command is not taken away', async () => {
  const parent = scratchFolder();
  const targets = two(parent);
  const scratch = await killedAt(targets, parent, 'decided');
  const lock = join(targets[1]?.repository.folder ?? '', '.git/index.lock');
  unlinkSync(lock);
  writeFileSync(lock, 'of another command');
  await expect(recoverMerge(targets, scratch)).rejects.toMatchObject({ code: 'locked', repositories: ['two'] });
  expect(readFileSync(lock, 'utf8')).toBe('of another command');
  unlinkSync(lock);
  expect(await recoverMerge(targets, scratch)).toBe('not-merged');
  for (const target of targets) expectUnmoved(target);
  expect(await mergeTargets(targets, scratch)).toMatchObject({ ok: true });
});

test('a merge that was interrupted is ended before another one begins', async () => {
  const parent = scratchFolder();
  const targets = two(parent);
  const scratch = await killedAt(targets, parent, 'opened two');
  expect(await mergeTargets(targets, scratch)).toMatchObject({ ok: false, refusals: [{ code: 'dirty' }] });
  const third = addResult(
    makeTarget(parent, 'third', { a: 'a' }, (folder) => put(folder, 'a', 'x')).repository,
    plainGit(join(parent, 'third'), ['rev-parse', 'main']),
    (folder) => put(folder, 'a', 'y'),
  );
  expect(await mergeTargets([third], join(parent, 'another'))).toMatchObject({ ok: true });
  expect(await recoverMerge(targets, scratch)).toBe('not-merged');
  expect(await mergeTargets(targets, scratch)).toMatchObject({ ok: true });
  for (const target of targets) expectMerged(target);
  commitFiles(targets[0]?.repository.folder ?? '', { c: 'later' });
  expect(await recoverMerge(targets, scratch)).toBe('merged');
});
