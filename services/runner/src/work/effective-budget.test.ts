import { noBudget } from '@countersign/contracts/budget.ts';
import { Stages } from '@countersign/contracts/config/stages.ts';
import { Tools } from '@countersign/contracts/config/tools.ts';
import { expect, test } from 'vitest';
import { effectiveBudget } from './effective-budget.ts';

const mib = 1024 * 1024;
const stage = { gate: 'none', sandbox_profile: 'default', decide: [{ channel: 'shell' }], approval_hours: 1 };
const config = {
  tools: Tools.parse({
    version: 1,
    tools: {
      agent: { mode: 'batch', cmd: ['agent'], timeout_sec: 1, step_limit: 1, token_budget: 1_000 },
      script: {
        mode: 'batch',
        cmd: ['sh'],
        timeout_sec: 1,
        step_limit: 1,
        token_budget: 500,
        budget: { requests: 20, output_mb: 4 },
      },
    },
  }),
  stages: Stages.parse({
    version: 1,
    stages: {
      dev: { ...stage, budget: { tokens: 100, disk_mb: 8 } },
      staging: { ...stage, governance: 'hard', budget: { tokens: 700, requests: 10, disk_mb: 8 } },
      bare: stage,
    },
  }),
};

test.each([
  ['a tool alone', { tool: 'agent', stage: 'bare' }, {}, { tokens: 1_000 }],
  [
    'the tightest of file and tool',
    { tool: 'script', stage: 'bare' },
    { tokens: 400, requests: 30 },
    { tokens: 400, requests: 20, output_bytes: 4 * mib },
  ],
  ['a file cannot raise what its tool allows', { tool: 'agent', stage: 'bare' }, { tokens: 9_000 }, { tokens: 1_000 }],
  [
    'a hard stage',
    { tool: 'agent', stage: 'staging' },
    { requests: 50 },
    { tokens: 700, requests: 10, disk_bytes: 8 * mib },
  ],
  ['a stage that only advises', { tool: 'agent', stage: 'dev' }, {}, { tokens: 1_000 }],
  ['what has gone from the configuration', { tool: 'gone', stage: 'gone' }, { tokens: 5 }, { tokens: 5 }],
] as const)('%s', (_what, names, budget, enforced) => {
  const effective = effectiveBudget(config, { ...names, budget: { ...noBudget, ...budget } });
  expect(effective.enforced).toEqual({ ...noBudget, ...enforced });
});

test('advice is what an advisory stage would have, and nothing where it is enforced', () => {
  const advised = (name: string) => effectiveBudget(config, { tool: 'agent', stage: name, budget: noBudget }).advised;
  expect(advised('dev')).toEqual({ ...noBudget, tokens: 100, disk_bytes: 8 * mib });
  expect(advised('staging')).toEqual(noBudget);
  expect(advised('bare')).toEqual(noBudget);
});
