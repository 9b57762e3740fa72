import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { noBudget } from '@countersign/contracts/budget.ts';
import { type Bundle, bundleDigest } from '@countersign/contracts/bundle.ts';
import { canonicalJson } from '@countersign/contracts/canonical-json.ts';
import { type TaskRecord, taskFolder } from '@countersign/contracts/task-record.ts';
import type { ApprovalView, Pending } from '../approval-view.ts';
import { sha256 } from '../digest.ts';

const since = '2026-11-20T10:00:00.000Z';
const expires_at = '2026-11-23T10:00:00.000Z';

/** A task's record as the runner writes it. */
export function makeRecord<State extends TaskRecord['state']>(
  state: State,
  change: Partial<TaskRecord> = {},
): TaskRecord & { readonly state: State } {
  const id = change.id ?? 'gated';
  return {
    version: 2,
    id,
    run: 'RUN-20261120-001',
    file: `${id}.md`,
    dropped_as: `${id}.md`,
    task_file: sha256('task'),
    workspace: 'demo',
    action: 'run',
    stage: 'staging',
    gate: true,
    title: 'A title',
    tool: 'agent',
    priority: 0,
    timeout_sec: 60,
    accepted_at: since,
    attempts: 1,
    interruptions: 0,
    model: { kind: 'rehearsal', name: 'm' },
    bases: [{ repository: change.workspace ?? 'demo', branch: 'main', head: 'b'.repeat(40) }],
    memory_task: null,
    depends_on: [],
    budget: noBudget,
    cancellation: null,
    retries: 0,
    ...change,
    state,
  };
}

/** A task at its gate, with the bundle and the plan that its digest names. */
export function makeWaitingTask(
  plan: string,
  change: Partial<TaskRecord> = {},
  bundleChange: Partial<Bundle> = {},
): { record: Pending; view: ApprovalView } {
  const { id, run, file, stage, workspace } = makeRecord({ status: 'queued', wait: null, since, reason: '' }, change);
  const bundle: Bundle = {
    version: 1,
    task: id,
    run,
    file,
    task_file: sha256('task'),
    spec: null,
    plan: sha256(plan),
    workspace,
    stage,
    repositories: [{ name: workspace, branch: 'main', base_head: 'b'.repeat(40) }],
    tool: { name: 'agent', definition: sha256('tool') },
    model: { kind: 'rehearsal', name: 'm' },
    sandbox: { profile: 'default', definition: sha256('profile'), image: `sha256:${sha256('image')}` },
    prompts: {},
    policy: sha256('policy'),
    timeout_sec: 60,
    nonce: '0'.repeat(32),
    requested_at: since,
    expires_at,
    ...bundleChange,
  };
  const digest = bundleDigest(bundle);
  const record = makeRecord(
    { status: 'pending', wait: null, since, reason: 'waits for you', digest, expires_at },
    change,
  );
  return { record, view: { digest, bundle, plan } };
}

/** Writes a waiting task below `volumes/` as the runner leaves it, and tells its folder. */
export async function writeWaitingTask(
  volumes: string,
  { record, view }: { record: Pending; view: ApprovalView },
): Promise<string> {
  const folder = join(volumes, taskFolder(record));
  const attempt = join(folder, 'attempts', String(record.attempts));
  await mkdir(attempt, { recursive: true });
  await writeFile(join(folder, 'task.json'), JSON.stringify(record));
  await writeFile(join(folder, 'bundle.json'), canonicalJson(view.bundle));
  await writeFile(join(attempt, 'plan.md'), view.plan);
  return folder;
}
