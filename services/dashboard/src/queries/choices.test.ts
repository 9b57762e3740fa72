import { copyFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Choices } from '@countersign/contracts/page-api.ts';
import { expect, test } from 'vitest';
import { DashboardGround } from '../testing/dashboard-ground.ts';
import { queued, task } from '../testing/records.ts';

test('a new task may name the stages of the configuration, and the workspaces that were ever used', async () => {
  const ground = new DashboardGround();
  const stages = join(ground.configs, 'stages.yaml');
  copyFileSync(join(import.meta.dirname, '../../../../configs/stages.yaml'), stages);
  for (const [id, workspace] of [
    ['one', 'shop'],
    ['two', 'demo'],
    ['three', 'shop'],
  ] as const)
    await ground.says('task_accepted', task(id, queued, { workspace }));
  const { queries } = await ground.open();
  expect(Choices.parse(await queries.choices())).toEqual({
    workspaces: ['demo', 'shop'],
    stages: [
      { name: 'dev', gate: 'none' },
      { name: 'staging', gate: 'approval' },
      { name: 'prod', gate: 'approval' },
    ],
  });
  writeFileSync(stages, 'version: 1\nstages: [');
  expect((await queries.choices()).stages).toEqual([]);
});
