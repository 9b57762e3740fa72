import { parseTaskFile } from '@countersign/contracts/task-file/parse.ts';
import { expect, test } from 'vitest';
import { emptyForm, fileNameOf, problemsOf, taskFile } from './task-file-preview.ts';

const at = Date.parse('2026-03-04T12:30:00.000Z');
const form = { ...emptyForm, workspace: 'demo', title: 'Greet the visitor', text: 'Create docs/greeting.md.' };
const read = (text: string) => {
  const outcome = parseTaskFile(new TextEncoder().encode(text));
  if (!outcome.ok) throw new Error(outcome.problems.map(({ message }) => message).join('\n'));
  return outcome.file;
};

test('the runner reads what the form says', () => {
  const { header, body } = read(
    taskFile({
      ...form,
      stage: 'prod',
      action: 'plan',
      approvalRequired: true,
      priority: 'high',
      onSuccess: 'merge',
      postconditions: 'npm test\n\ngrep -q "a: b" out.txt\n',
      dependsOn: 'k7m2p, a2b3c',
    }),
  );
  expect(header).toMatchObject({
    workspace: 'demo',
    title: 'Greet the visitor',
    stage: 'prod',
    action: 'plan',
    approval_required: true,
    priority: 'high',
    on_success: 'merge',
    postconditions: ['npm test', 'grep -q "a: b" out.txt'],
    depends_on: ['k7m2p', 'a2b3c'],
  });
  expect(body).toBe('Create docs/greeting.md.');
});

test.each([
  'yes',
  'true',
  '- a list',
  'a: b # c',
  '"quoted"',
  "it's",
  'line\u2028two',
  '{x: 1}',
  '12',
  '\u202egnp.exe',
])('the title %j stays a text', (title) => {
  expect(read(taskFile({ ...form, title })).header.title).toBe(title);
});

test('what is as it is anyhow is left out', () => {
  expect(taskFile(form)).toBe(
    '---\nworkspace: demo\ntitle: Greet the visitor\nstage: dev\n---\nCreate docs/greeting.md.\n',
  );
});

test('a file is named after its title, and after its text where it has none', () => {
  expect(fileNameOf(form, at)).toBe('greet-the-visitor-202603041230.md');
  expect(fileNameOf({ ...form, title: '' }, at)).toBe('create-docs-greeting-md-202603041230.md');
  expect(fileNameOf({ ...form, title: '../../etc', text: '' }, at)).toBe('etc-202603041230.md');
  expect(fileNameOf({ ...form, title: '日本', text: '' }, at)).toBe('task-202603041230.md');
});

test('each field says what is wrong with it', () => {
  expect(problemsOf(form)).toEqual({});
  expect(Object.keys(problemsOf({ ...form, workspace: '../x', dependsOn: 'Not/One' }))).toEqual([
    'workspace',
    'dependsOn',
  ]);
});
