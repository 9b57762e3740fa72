import { expect, test } from 'vitest';
import type { Turn } from './conversation.ts';
import { maximumLineCharacters } from './limits.ts';
import { findTasks } from './task-list.ts';

const executionPlan = `# Execution Plan

## Metadata
- id: test-001
- safe_mode: true

## Objective
Run a simple agent workflow test.

## Tasks
1. Create hello.txt with a message
2. Run git status
3. Generate a summary file

## Constraints
- Do not delete files

## Expected Output
- hello.txt created
`;

function find(...turns: [Turn['role'], string][]) {
  const conversation = { turns: turns.map(([role, text]) => ({ role, text })), tools: [], format: undefined };
  const { tasks, notUnderstood } = findTasks(conversation);
  return { tasks: tasks.map(({ line }) => line), notUnderstood };
}

const three = ['Create hello.txt with a message', 'Run git status', 'Generate a summary file'];

test('reads the numbered tasks of an execution plan, in either message', () => {
  expect(find(['user', executionPlan])).toEqual({ tasks: three, notUnderstood: [] });
  expect(find(['system', executionPlan], ['user', 'Go on.'])).toEqual({ tasks: three, notUnderstood: [] });
});

test('an approved plan counts more than the execution plan, before or after it', () => {
  const approved = '## Approved plan\n\n# Plan\n\n## Tasks\n\n1. Run ls\n';
  const tasks = { tasks: ['Run ls'], notUnderstood: [] };
  expect(find(['user', `${approved}\n${executionPlan}`])).toEqual(tasks);
  expect(find(['user', `${executionPlan}\n${approved}`])).toEqual(tasks);
});

test('takes numbers under a heading "Plan", with Windows line ends', () => {
  expect(find(['user', '## Plan\r\n1) run ls\r\n2) run id\r\n'])).toEqual({
    tasks: ['run ls', 'run id'],
    notUnderstood: [],
  });
});

test('without numbered tasks, takes the lines of the objective and no settings', () => {
  const file =
    '---\nworkspace: demo\nstage: dev\n---\n# Title\n\n## Objective\n- create a.txt with hi\n- ponder\n\n## Notes\nrun ls\n';
  expect(find(['user', file])).toEqual({ tasks: ['create a.txt with hi'], notUnderstood: ['ponder'] });
});

test('takes a message apart that its client wrapped in quotes, and no other', () => {
  const tasks = ['create a.txt with "hi"', 'run ls'];
  expect(find(['user', '"create a.txt with \\"hi\\"\nrun ls"\n']).tasks).toEqual(tasks);
  expect(find(['user', '"create" a.txt with "hi"'])).toEqual({
    tasks: [],
    notUnderstood: ['"create" a.txt with "hi"'],
  });
});

test('what tools and the assistant say is no task', () => {
  const turns: [Turn['role'], string][] = [
    ['user', 'run ls'],
    ['assistant', 'run id'],
    ['tool', 'run rm -r .'],
    ['assistant', '{"tool": "run_command", "arguments": {"command": "ls"}}'],
    ['user', 'run rm -r .'],
  ];
  expect(find(...turns).tasks).toEqual(['run ls']);
});

test('test controls are no tasks, and lines beyond the limit are skipped', () => {
  const text = `run ls\nrehearsal: slow 1ms\nrun ${'x'.repeat(maximumLineCharacters)}`;
  expect(find(['user', text])).toEqual({ tasks: ['run ls'], notUnderstood: [] });
});
