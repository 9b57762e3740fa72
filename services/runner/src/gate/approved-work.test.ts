import { appendFileSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Bundle } from '@countersign/contracts/bundle.ts';
import { canonicalJson } from '@countersign/contracts/canonical-json.ts';
import { expect, test } from 'vitest';
import { approvedFiles, approvedPlan, beginApproved } from '../testing/approved-ground.ts';
import { whatChanged } from './approved-work.ts';

test.each([true, false])('work that is as it was approved is given out (with a body: %s)', async (body) => {
  const { read, objective } = await beginApproved({ body });
  expect(await read()).toEqual({ ok: true, plan: approvedPlan, objective });
});

test.each(approvedFiles.flatMap((name) => [true, false].map((body) => [name, body] as const)))(
  'A07 any changed byte of %s voids the approval (with a body: %s)',
  async (name, body) => {
    const { read, folder } = await beginApproved({ body });
    const path = join(folder, name);
    const bytes = readFileSync(path);
    for (let at = 0; at < bytes.length; at += Math.max(1, Math.floor(bytes.length / 40))) {
      const changed = Buffer.from(bytes);
      changed[at] = (changed[at] ?? 0) ^ 1;
      writeFileSync(path, changed);
      expect(await read(), `byte ${at}`).toMatchObject({ ok: false });
    }
    writeFileSync(path, bytes);
    expect(await read()).toMatchObject({ ok: true });
  },
);

test.each(approvedFiles)('A07 a byte more or less in %s voids the approval, and so does its loss', async (name) => {
  const { read, folder } = await beginApproved();
  const path = join(folder, name);
  const bytes = readFileSync(path);
  appendFileSync(path, '\n');
  expect(await read()).toMatchObject({ ok: false });
  writeFileSync(path, bytes.subarray(0, -1));
  expect(await read()).toMatchObject({ ok: false });
  rmSync(path);
  expect(await read()).toEqual({ ok: false, reason: 'a part of what was approved is gone' });
});

test('A07 another bundle in its place voids the approval', async () => {
  const { read, folder, bundle } = await beginApproved();
  writeFileSync(join(folder, 'bundle.json'), canonicalJson({ ...bundle, stage: 'dev' }));
  expect(await read()).toEqual({ ok: false, reason: 'the bundle is not the one that was approved' });
});

test.each<[string, (facts: Bundle) => Partial<Bundle>]>([
  ['the task', () => ({ task: 'other' })],
  ['the task', () => ({ run: 'RUN-20261120-002' })],
  ['the task', () => ({ workspace: 'other' })],
  ['the stage', () => ({ stage: 'prod' })],
  [
    'the commit to start from',
    (facts) => ({ repositories: facts.repositories.map((one) => ({ ...one, base_head: 'b'.repeat(40) })) }),
  ],
  [
    'the commit to start from',
    (facts) => ({ repositories: facts.repositories.map((one) => ({ ...one, branch: 'release' })) }),
  ],
  ['the commit to start from', () => ({ repositories: [] })],
  ['the task file', () => ({ task_file: '3'.repeat(64) })],
  ['the objective', () => ({ spec: '3'.repeat(64) })],
  ['the plan', () => ({ plan: '3'.repeat(64) })],
  ['the tool (configs/tools.yaml)', (facts) => ({ tool: { ...facts.tool, name: 'other' } })],
  ['the tool (configs/tools.yaml)', (facts) => ({ tool: { ...facts.tool, definition: '3'.repeat(64) } })],
  ['the model', () => ({ model: { kind: 'own', name: 'small' } })],
  ['the model', () => ({ model: { kind: 'ollama', name: 'other' } })],
  ['the sandbox profile', (facts) => ({ sandbox: { ...facts.sandbox, profile: 'plan' } })],
  ['the sandbox profile', (facts) => ({ sandbox: { ...facts.sandbox, definition: '3'.repeat(64) } })],
  ["the sandbox's image", (facts) => ({ sandbox: { ...facts.sandbox, image: 'other' } })],
  ['a prompt', (facts) => ({ prompts: { ...facts.prompts, plan: '3'.repeat(64) } })],
  ['a prompt', (facts) => ({ prompts: { ...facts.prompts, run: '3'.repeat(64) } })],
  ['a prompt', (facts) => ({ prompts: { ...facts.prompts, more: '3'.repeat(64) } })],
  ['the policy (configs/stages.yaml)', () => ({ policy: '3'.repeat(64) })],
  ['the time limit', () => ({ timeout_sec: 601 })],
])('A07 A22 a change of %s is told by that name alone', async (name, change) => {
  const { bundle } = await beginApproved({ body: false });
  expect(whatChanged(bundle, bundle)).toBeNull();
  expect(whatChanged(bundle, { ...bundle, ...change(bundle) })).toBe(`changed since it was shown: ${name}`);
});

test('an objective that replaced the task file’s own text is noticed', async () => {
  const { bundle } = await beginApproved();
  expect(bundle.spec).toBeNull();
  expect(whatChanged(bundle, { ...bundle, spec: '3'.repeat(64) })).toBe('changed since it was shown: the objective');
});

test('several changes are all told', async () => {
  const { bundle } = await beginApproved();
  expect(whatChanged(bundle, { ...bundle, timeout_sec: 1, policy: '3'.repeat(64) })).toBe(
    'changed since it was shown: the policy (configs/stages.yaml), the time limit',
  );
});
