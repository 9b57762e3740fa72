import { parseTaskFile } from '@countersign/contracts/task-file/parse.ts';
import type { Result } from '@countersign/contracts/task-record.ts';
import { expect, test } from 'vitest';
import { makeConfig } from '../testing/home.ts';
import { digest, makeRecord, result, since } from '../testing/record.ts';
import { mayMergeByItself, refuseByPolicy, refuseProtected } from './may-merge.ts';

const { stages } = makeConfig({ home: '/x', slots: '/x', spools: '/x' });
const record = makeRecord();
const unverified: Result = { ...result, verification: { status: 'unverified' } };
const asked = { digest, unverified: false };
const codes = (...input: Parameters<typeof refuseByPolicy>) => refuseByPolicy(...input).map(({ code }) => code);

const onBranch = (branch: string, change: Partial<Result['repositories'][number]> = {}): Result => ({
  ...result,
  repositories: result.repositories.map((repository) => ({ ...repository, branch, ...change })),
});
const limited = (merge_into: string[]) => ({
  ...stages,
  stages: Object.fromEntries(Object.entries(stages.stages).map(([name, stage]) => [name, { ...stage, merge_into }])),
});

test('a verified result of the digest that was shown may be merged', () => {
  expect(refuseByPolicy(stages, record, result, asked)).toEqual([]);
});

test('A07 another digest is refused whatever else is true, with the command that shows it', () => {
  const refusals = refuseByPolicy(stages, record, unverified, { digest: 'e'.repeat(64), unverified: true });
  expect(refusals).toMatchObject([
    { code: 'stale-digest', message: expect.stringContaining('countersign show abcde') },
  ]);
});

test('what was never checked is merged only where that was said', () => {
  expect(codes(stages, record, unverified, asked)).toEqual(['unverified']);
  expect(codes(stages, record, unverified, { digest, unverified: true })).toEqual([]);
});

test('a stage merges only into the branches that it may merge into', () => {
  const docs = limited(['docs/*']);
  expect(codes(docs, record, onBranch('main'), asked)).toEqual(['forbidden-branch']);
  expect(codes(docs, record, onBranch('docs/guide'), asked)).toEqual([]);
  expect(codes(limited([]), record, onBranch('docs/guide'), asked)).toEqual(['forbidden-branch']);
  expect(codes(stages, { ...record, stage: 'gone' }, onBranch('topic'), asked)).toEqual(['forbidden-branch']);
});

function file(text: string) {
  const parsed = parseTaskFile(Buffer.from(`workspace: project\n${text}\n\nhello`));
  if (!parsed.ok) throw new Error('not a task file');
  return parsed.file;
}
const byItself = (into: Result, text = 'on_success: merge', rules = stages) =>
  mayMergeByItself(rules, record, file(text), into, since);

test('a task file lets verified work into an unprotected branch, and says so as its approval', () => {
  expect(byItself(onBranch('topic'))).toMatchObject({ channel: 'task-file', command: null, digest, unverified: false });
});

test.each<[string, ReturnType<typeof byItself>]>([
  ['without on_success: merge', byItself(onBranch('topic'), 'on_success: review')],
  ['into main', byItself(onBranch('main'))],
  ['into MAIN, which is main on some file systems', byItself(onBranch('MAIN'))],
  ['into release/1.0', byItself(onBranch('release/1.0'))],
  ['when nothing was checked', byItself({ ...onBranch('topic'), verification: { status: 'unverified' } })],
  ['into a branch that its stage may not merge into', byItself(onBranch('topic'), 'on_success: merge', limited(['x']))],
  ['S081 when something in it deserves eyes', byItself(onBranch('topic', { flags: ['ci'] }))],
])('a person decides %s', (_what, approval) => {
  expect(approval).toBeNull();
});

test('one protected branch among several is enough for a person to decide', () => {
  const both = { ...result, repositories: [...onBranch('topic').repositories, ...onBranch('main').repositories] };
  expect(byItself(both)).toBeNull();
});

test('what a task file let in is refused where the branch is protected by now, and what a person decided is not', () => {
  const codesOf = (channel: 'task-file' | 'shell', branch: string) =>
    refuseProtected(stages, record, onBranch(branch), { channel }).map(({ code }) => code);
  expect(codesOf('task-file', 'main')).toEqual(['forbidden-branch']);
  expect(codesOf('task-file', 'topic')).toEqual([]);
  expect(codesOf('shell', 'main')).toEqual([]);
});
