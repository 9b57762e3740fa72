import { appendFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Bundle, bundleDigest } from '@countersign/contracts/bundle.ts';
import { canonicalJson } from '@countersign/contracts/canonical-json.ts';
import { sha256 } from '@countersign/kit/digest.ts';
import { expect, test } from 'vitest';
import { toolDigest } from '../config.ts';
import { makeHome, openContext } from '../testing/home.ts';
import { approval, makeRecord, since, states } from '../testing/record.ts';
import { readApprovedWork, whatChanged } from './approved-work.ts';

const taskFile = 'workspace: project\nstage: staging\n\nsay hello\n';
const plan = '1. say hello\n';
const needs = {
  model: { status: 'ready' as const, kind: 'ollama' as const, name: 'small', context_length: 8_192, tools: true },
  contextLength: 8_192,
  profile: {
    name: 'default',
    image: `sha256:${'1'.repeat(64)}`,
    definition: '2'.repeat(64),
    runtime: 'runc' as const,
    workspace_bytes: 1,
    memory_bytes: 1,
    toolchain: 'own' as const,
  },
};

/** A task that was approved, with everything that its approval binds on disk. */
async function begin({ body = true } = {}) {
  const context = await openContext(makeHome());
  const file = body ? taskFile : 'workspace: project\nstage: staging\n';
  const objective = body ? 'say hello' : '# The plan of the workspace';
  const record = makeRecord({
    stage: 'staging',
    gate: true,
    attempts: 1,
    task_file: sha256(file),
    bases: [{ repository: 'project', branch: 'main', head: 'a'.repeat(40) }],
    state: states.approved,
  });
  const bundle: Bundle = {
    version: 1,
    task: record.id,
    run: record.run,
    file: record.file,
    task_file: sha256(file),
    spec: body ? null : sha256(objective),
    plan: sha256(plan),
    workspace: 'project',
    stage: 'staging',
    repositories: [{ name: 'project', branch: 'main', base_head: 'a'.repeat(40) }],
    tool: { name: 'agent', definition: toolDigest(context.config, 'agent') },
    model: { kind: 'ollama', name: 'small' },
    sandbox: { profile: 'default', definition: '2'.repeat(64), image: `sha256:${'1'.repeat(64)}` },
    prompts: { plan: sha256('plan'), run: sha256('run') },
    policy: sha256('policy'),
    timeout_sec: 600,
    nonce: '0'.repeat(32),
    requested_at: since,
    expires_at: approval.expires_at,
  };
  const folder = context.layout.task(record.run, record.id);
  mkdirSync(join(folder, 'attempts/1'), { recursive: true });
  const write = (name: string, text: string) => writeFileSync(join(folder, name), text);
  write('task.md', file);
  write('objective.md', objective);
  write('attempts/1/plan.md', plan);
  write('bundle.json', canonicalJson(bundle));
  const digest = bundleDigest(bundle);
  return { context, record, bundle, folder, digest, read: () => readApprovedWork(context, record, digest, needs) };
}

test.each([true, false])('work that is as it was approved is given out (with a body: %s)', async (body) => {
  const { read, folder } = await begin({ body });
  const objective = readFileSync(join(folder, 'objective.md'), 'utf8');
  expect(await read()).toEqual({ ok: true, plan, objective });
});

const parts = ['task.md', 'objective.md', 'bundle.json', 'attempts/1/plan.md'];
test.each(parts.flatMap((name) => [true, false].map((body) => [name, body] as const)))(
  'any changed byte of %s voids the approval (with a body: %s)',
  async (name, body) => {
    const { read, folder } = await begin({ body });
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

test.each(parts)('a byte more or less in %s voids the approval, and so does its loss', async (name) => {
  const { read, folder } = await begin();
  const path = join(folder, name);
  const bytes = readFileSync(path);
  appendFileSync(path, '\n');
  expect(await read()).toMatchObject({ ok: false });
  writeFileSync(path, bytes.subarray(0, -1));
  expect(await read()).toMatchObject({ ok: false });
  rmSync(path);
  expect(await read()).toEqual({ ok: false, reason: 'a part of what was approved is gone' });
});

test('another bundle in its place voids the approval', async () => {
  const { read, folder, bundle } = await begin();
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
])('a change of %s is told by that name alone', async (name, change) => {
  const { bundle } = await begin({ body: false });
  expect(whatChanged(bundle, bundle)).toBeNull();
  expect(whatChanged(bundle, { ...bundle, ...change(bundle) })).toBe(`changed since it was shown: ${name}`);
});

test('an objective that replaced the task file’s own text is noticed', async () => {
  const { bundle } = await begin();
  expect(bundle.spec).toBeNull();
  expect(whatChanged(bundle, { ...bundle, spec: '3'.repeat(64) })).toBe('changed since it was shown: the objective');
});

test('several changes are all told', async () => {
  const { bundle } = await begin();
  expect(whatChanged(bundle, { ...bundle, timeout_sec: 1, policy: '3'.repeat(64) })).toBe(
    'changed since it was shown: the policy (configs/stages.yaml), the time limit',
  );
});
