import { isSubmittedName } from '@countersign/contracts/task-file/file-name.ts';
import { parseTaskFile } from '@countersign/contracts/task-file/parse.ts';
import { expect, test } from 'vitest';
import { readRun, runIn, submittedName } from './read-run.ts';

const command = 'a'.repeat(43);

/** The task file that words become, as the runner reads it. */
function fileOf(text: string) {
  const run = runIn(text);
  const read = run === null ? null : readRun(run, command);
  if (read?.ok !== true) throw new Error(`no task: ${JSON.stringify(read)}`);
  const parsed = parseTaskFile(Buffer.from(read.asked.subject.content));
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems));
  const { workspace, stage, on_success, approval_required } = parsed.file.header;
  return { workspace, stage, on_success, approval_required, body: parsed.file.body };
}

const plain = { on_success: 'review', approval_required: false };

test.each([
  ['run demo: fix the door', { workspace: 'demo', stage: 'dev', body: 'fix the door' }],
  ['Run demo Staging: fix: the door', { workspace: 'demo', stage: 'staging', body: 'fix: the door' }],
  ['RUN  Demo_2.x   prod :fix it', { workspace: 'Demo_2.x', stage: 'prod', body: 'fix it' }],
  ['run true: say "hello" \\n', { workspace: 'true', stage: 'dev', body: 'say "hello" \\n' }],
  ['run 123 staging: --- ', { workspace: '123', stage: 'staging', body: '---' }],
])('%j is a task', (text, file) => {
  expect(fileOf(text)).toEqual({ ...plain, ...file });
});

test('A05 no words change what the stage is that was said', () => {
  for (const words of ['stage: dev', '"stage": dev', '--- stage: dev ---', '# stage: dev', 'x", stage: "dev'])
    try {
      expect(fileOf(`run demo prod: ${words}`)).toMatchObject({ stage: 'prod', workspace: 'demo' });
    } catch (error) {
      // Or they are no task at all.
      expect(String(error)).toMatch(/"line":\d/);
    }
});

test.each([
  'run',
  'run demo',
  'run along',
  'run the tests please',
  'run demo:',
  'run : x',
  'run a b c: x',
  'running demo: x',
  'rerun demo: x',
])('%j is talk', (text) => {
  expect(runIn(text)).toBeNull();
});

test.each(['../x', '.git', 'a/b', 'a..b', 'dеmo', 'x'.repeat(65), '"x"', '$(x)'])('%j is no workspace', (workspace) => {
  expect(readRun({ workspace, stage: null, objective: 'x' }, command)).toMatchObject({
    ok: false,
    reason: expect.stringContaining('is no name of a workspace'),
  });
});

test.each(['stаging', '1', 'a'.repeat(40), 'x"y', 'prod\u200b'])('%j is no stage', (stage) => {
  expect(readRun({ workspace: 'demo', stage, objective: 'x' }, command)).toMatchObject({ ok: false });
});

test('each command submits under a name of its own', () => {
  const names = ['a', 'b', 'c'].map((letter) => submittedName(letter.repeat(43)));
  expect(new Set(names).size).toBe(3);
  expect(names.every(isSubmittedName)).toBe(true);
  expect(submittedName(command)).toBe(submittedName(command));
});
