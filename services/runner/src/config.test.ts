import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { expect, test } from 'vitest';
import { readRunnerConfig } from './config.ts';
import { scratchFolder } from './testing/scratch.ts';

function begin(): string {
  const folder = join(scratchFolder(), 'configs');
  cpSync(resolve(import.meta.dirname, '../../../configs'), folder, { recursive: true });
  return folder;
}

test('the configuration as it is shipped is good', async () => {
  const config = await readRunnerConfig({ RUNNER_CONFIGS: begin() });
  expect(Object.keys(config.stages.stages)).toEqual(['dev', 'staging', 'prod']);
  expect(config.stages.stages['dev']?.gate).toBe('none');
  expect(config.stages.stages['prod']?.gate).toBe('approval');
  expect(config.agent).toMatchObject({ MAX_TASKS: 4, MAX_TASKS_PER_WORKSPACE: 1 });
});

test.each([
  [
    'stages.yaml',
    'approval_hours',
    'aproval_hours',
    /stages\.yaml:\d+: unknown key "aproval_hours".*allowed: .*approval_hours/,
  ],
  ['tools.yaml', 'step_limit', 'steplimit', /tools\.yaml:\d+: unknown key "steplimit".*allowed: .*step_limit/],
  [
    'agent.env',
    'BREAKER_FAILURES',
    'BREAKER_FAILURE',
    /agent\.env:\d+: unknown setting BREAKER_FAILURE; allowed: .*BREAKER_FAILURES/,
  ],
  ['prompts/run.yaml', 'system:', 'sytem:', /run\.yaml:\d+: unknown key "sytem".*allowed: .*system/],
  ['prompts/plan.yaml', 'role:', 'roles:', /plan\.yaml:\d+: unknown key "roles".*allowed: .*role/],
])('a misspelt setting in %s is refused with its line and what is allowed', async (file, right, wrong, message) => {
  const folder = begin();
  const path = join(folder, file);
  const text = readFileSync(path, 'utf8');
  const line = text.split('\n').findIndex((candidate) => candidate.trimStart().startsWith(right));
  const lines = text.split('\n');
  lines[line] = (lines[line] ?? '').replace(right, wrong);
  writeFileSync(path, lines.join('\n'));
  await expect(readRunnerConfig({ RUNNER_CONFIGS: folder })).rejects.toThrow(message);
});

test('a misspelt variable of the environment is refused', async () => {
  await expect(readRunnerConfig({ RUNNER_CONFIGS: begin(), RUNNER_HOMES: '/x' })).rejects.toThrow(/RUNNER_HOMES/);
});

test('a file among the prompts that nothing uses is refused', async () => {
  const folder = begin();
  writeFileSync(join(folder, 'prompts', 'rnu.yaml'), 'version: 1\n');
  await expect(readRunnerConfig({ RUNNER_CONFIGS: folder })).rejects.toThrow(/prompts\/rnu\.yaml/);
});
