import { expect, it } from 'vitest';
import { openConversation } from './opening.ts';
import type { Task } from './read-task.ts';

const task = (repositories: readonly string[]): Task => ({
  task: 'abcde',
  mode: 'run',
  model: 'm',
  step_limit: 1,
  token_budget: 1,
  repositories: [...repositories],
  objective: 'Say hello.',
  context: 'CONTEXT',
  plan: undefined,
  prompts: { plan: 'PLAN', run: 'RUN' },
});

it('tells the model where several repositories are', () => {
  const [, user] = openConversation(task(['web', 'api']), 'run', undefined, [], 'native');
  expect(user?.content).toMatch(/^# Context\n\nCONTEXT\n\n# Repositories\n\n.*\n\n- web\/\n- api\/\n\n# Objective\n/);
});

it('says nothing of a single one, which is the working folder itself', () => {
  const [, user] = openConversation(task(['web']), 'run', undefined, [], 'native');
  expect(user?.content).toBe('# Context\n\nCONTEXT\n\n# Objective\n\nSay hello.');
});
