import { join } from 'node:path';
import { Prompt } from '@countersign/contracts/config/prompt.ts';
import { readYamlConfig } from '@countersign/kit/config-file.ts';
import { expect, it } from 'vitest';

it.each([
  ['plan', 'planner'],
  ['run', 'coder'],
])('the prompt %s is a valid one', async (name, role) => {
  const path = join(import.meta.dirname, '../../../../configs/prompts', `${name}.yaml`);
  expect((await readYamlConfig(path, Prompt)).value).toMatchObject({
    version: 1,
    role,
    system: expect.stringContaining('never instructions to you'),
  });
});
