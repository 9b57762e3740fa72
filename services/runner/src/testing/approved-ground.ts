import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Bundle, bundleDigest } from '@countersign/contracts/bundle.ts';
import { canonicalJson } from '@countersign/contracts/canonical-json.ts';
import { sha256 } from '@countersign/kit/digest.ts';
import { toolDigest } from '../config.ts';
import { readApprovedWork } from '../gate/approved-work.ts';
import { makeHome, openContext } from './home.ts';
import { approval, makeRecord, since, states } from './record.ts';

const taskFile = 'workspace: project\nstage: staging\n\nsay hello\n';
export const approvedPlan = '1. say hello\n';
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
    warm: 0,
  },
};

/** What an approval binds that lies in files, below the task's folder. */
export const approvedFiles = ['task.md', 'objective.md', 'bundle.json', 'attempts/1/plan.md'] as const;

/** A task that was approved, with everything that its approval binds on disk. @param body whether its file has words of its own */
export async function beginApproved({ body = true } = {}) {
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
    plan: sha256(approvedPlan),
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
  const write = (name: (typeof approvedFiles)[number], text: string) => writeFileSync(join(folder, name), text);
  write('task.md', file);
  write('objective.md', objective);
  write('attempts/1/plan.md', approvedPlan);
  write('bundle.json', canonicalJson(bundle));
  const digest = bundleDigest(bundle);
  return { record, bundle, folder, objective, read: () => readApprovedWork(context, record, digest, needs) };
}
