import type { Stage } from '@countersign/contracts/config/stages.ts';
import { expect, test } from 'vitest';
import { makeConfig } from '../testing/home.ts';
import { demandsApproval, stageLimits, standing } from './governance.ts';

const { stages } = makeConfig({ home: '/x', slots: '/x', spools: '/x' });
const dev = (changes: Partial<Stage>): Stage => ({ ...(stages.stages['dev'] as Stage), ...changes });

test.each<[string, Stage | undefined, boolean]>([
  ['a stage without a gate', dev({}), false],
  ['one with a gate', dev({ gate: 'approval' }), true],
  ['a checkpoint that is advised', dev({ checkpoints: ['start'] }), false],
  ['a checkpoint that holds', dev({ checkpoints: ['start'], governance: 'hard' }), true],
  ['a checkpoint at the merge', dev({ checkpoints: ['merge'], governance: 'hard' }), false],
  ['a stage that nobody defined', undefined, true],
])('%s demands an approval: %s', (_name, stage, demands) => {
  expect(demandsApproval(stage)).toBe(demands);
});

test('a checkpoint is worth what its stage says', () => {
  expect(standing(dev({ checkpoints: ['merge'] }), 'merge')).toBe('advisory');
  expect(standing(dev({ checkpoints: ['merge'], governance: 'hard' }), 'merge')).toBe('hard');
  expect(standing(dev({ checkpoints: ['merge'] }), 'start')).toBeNull();
  expect(standing(undefined, 'start')).toBeNull();
});

test('limits of stages are kept apart by whether they hold', () => {
  const limited = {
    ...stages,
    stages: {
      one: dev({ max_tasks: 2 }),
      two: dev({ max_tasks: 3, governance: 'hard' }),
      three: dev({ governance: 'hard' }),
    },
  };
  expect([...stageLimits(limited, 'advisory')]).toEqual([['one', 2]]);
  expect([...stageLimits(limited, 'hard')]).toEqual([['two', 3]]);
});
