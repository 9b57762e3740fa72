import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Configuration } from '@countersign/contracts/page-api.ts';
import { sha256 } from '@countersign/kit/digest.ts';
import { expect, test } from 'vitest';
import { DashboardGround } from '../testing/dashboard-ground.ts';
import { readConfiguration } from './configuration.ts';

test('W22 the files are shown with their digests, without what is secret in them, and no others', async () => {
  const { configs, volumes } = new DashboardGround();
  mkdirSync(join(configs, 'prompts'));
  writeFileSync(join(configs, 'agent.env'), 'MAX_TASKS=4\n');
  writeFileSync(join(configs, 'hosts.env'), 'MATRIX_TOKEN=hunter2\n');
  writeFileSync(join(configs, 'prompts/run.yaml'), 'text: hello\n');
  writeFileSync(join(configs, '.hidden.env'), 'x');
  writeFileSync(join(configs, 'private.pem'), 'x');
  writeFileSync(join(volumes, 'outside.yaml'), 'outside');
  symlinkSync(join(volumes, 'outside.yaml'), join(configs, 'linked.yaml'));
  const { files } = Configuration.parse(await readConfiguration(configs));
  expect(files.map(({ name, masked }) => [name, masked])).toEqual([
    ['agent.env', 0],
    ['hosts.env', 1],
    ['prompts/run.yaml', 0],
  ]);
  expect(files[0]?.sha256).toBe(sha256('MAX_TASKS=4\n'));
  // A weak password could be guessed by the digest of its file.
  expect(files[1]?.sha256).not.toBe(sha256('MATRIX_TOKEN=hunter2\n'));
  expect(JSON.stringify(files)).not.toContain('hunter2');
});
