import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ConfinementAspect, confinementExit } from '@countersign/contracts/confinement.ts';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { runShipped } from '../support/shipped-sandbox.ts';
import { profiles } from './profiles.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'countersign-proof-'));
});
afterAll(() => rm(folder, { recursive: true }));

describe.each(profiles)('the proof of confinement in $name', ({ name, runtime }) => {
  const kernel = name === 'gVisor' ? 'runsc' : 'runc';

  test.each(ConfinementAspect.options)('%s holds in a sandbox as it is made', async (aspect) => {
    const command = ['node', '/app/agent/confinement/main.js', aspect, kernel];
    const { code, output } = await runShipped(folder, command, { HostConfig: { Runtime: runtime } });
    expect(code, output).toBe(confinementExit.held);
  });
});
