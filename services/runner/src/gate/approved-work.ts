import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Bundle } from '@countersign/contracts/bundle.ts';
import { canonicalJson } from '@countersign/contracts/canonical-json.ts';
import { parseTaskFile } from '@countersign/contracts/task-file/parse.ts';
import type { Base, TaskRecord } from '@countersign/contracts/task-record.ts';
import { sha256 } from '@countersign/kit/digest.ts';
import { isMissing } from '@countersign/kit/files.ts';
import { toolDigest } from '../config.ts';
import type { Context } from '../context.ts';
import type { Needs } from '../work/dependencies.ts';

/** What stands now where the bundle says what was shown. */
export type Facts = Omit<Bundle, 'version' | 'file' | 'nonce' | 'requested_at' | 'expires_at'>;

/**
 * Compares what was approved with what would run. Returns what differs, in the operator's words, or null when every byte is the
 * same. Pure.
 */
export function whatChanged(bundle: Bundle, now: Facts): string | null {
  const differences = [
    (bundle.task !== now.task || bundle.run !== now.run || bundle.workspace !== now.workspace) && 'the task',
    bundle.stage !== now.stage && 'the stage',
    canonicalJson(bundle.repositories) !== canonicalJson(now.repositories) && 'the commit to start from',
    bundle.task_file !== now.task_file && 'the task file',
    bundle.spec !== now.spec && 'the objective',
    bundle.plan !== now.plan && 'the plan',
    (bundle.tool.name !== now.tool.name || bundle.tool.definition !== now.tool.definition) &&
      'the tool (configs/tools.yaml)',
    (bundle.model.kind !== now.model.kind || bundle.model.name !== now.model.name) && 'the model',
    (bundle.sandbox.profile !== now.sandbox.profile || bundle.sandbox.definition !== now.sandbox.definition) &&
      'the sandbox profile',
    bundle.sandbox.image !== now.sandbox.image && "the sandbox's image",
    canonicalJson(bundle.prompts) !== canonicalJson(now.prompts) && 'a prompt',
    bundle.policy !== now.policy && 'the policy (configs/stages.yaml)',
    bundle.timeout_sec !== now.timeout_sec && 'the time limit',
  ].filter((difference) => difference !== false);
  return differences.length === 0 ? null : `changed since it was shown: ${differences.join(', ')}`;
}

/** Where the work begins, as a bundle says it. */
export function bundleRepositories(bases: readonly Base[]): Bundle['repositories'] {
  return bases.map(({ repository, branch, head }) => ({ name: repository, branch, base_head: head }));
}

/** To the byte what was approved, as it was read for the check: nothing is read a second time. */
export type Approved = { readonly ok: true; readonly plan: string; readonly objective: string };
export type ApprovedWork = Approved | { readonly ok: false; readonly reason: string };

/** Reads approved work back and checks that it is, to the byte, what was approved. */
export async function readApprovedWork(
  context: Context,
  record: TaskRecord,
  digest: string,
  needs: Needs,
): Promise<ApprovedWork> {
  const folder = context.layout.task(record.run, record.id);
  const saved = await readSaved(folder, record.attempts);
  if (saved === null) return { ok: false, reason: 'a part of what was approved is gone' };
  const { bundle: bytes, taskFile, objective, plan } = saved;
  const bundle = sha256(bytes) === digest ? Bundle.safeParse(JSON.parse(bytes.toString('utf8'))) : null;
  if (bundle?.success !== true || record.bases === null)
    return { ok: false, reason: 'the bundle is not the one that was approved' };
  const difference = whatChanged(bundle.data, {
    task: record.id,
    run: record.run,
    workspace: record.workspace,
    stage: record.stage,
    repositories: bundleRepositories(record.bases),
    task_file: sha256(taskFile),
    // Without a spec the task file's own text is the objective, and its digest covers that one.
    spec: bundle.data.spec === null && isBodyOf(taskFile, objective) ? null : sha256(objective),
    plan: sha256(plan),
    tool: { name: record.tool, definition: toolDigest(context.config, record.tool) },
    model: { kind: needs.model.kind, name: needs.model.name },
    sandbox: { profile: needs.profile.name, definition: needs.profile.definition, image: needs.profile.image },
    prompts: { plan: context.config.prompts.plan.digest, run: context.config.prompts.run.digest },
    policy: context.config.policyDigest,
    timeout_sec: record.timeout_sec,
  });
  return difference === null
    ? { ok: true, plan: plan.toString('utf8'), objective: objective.toString('utf8') }
    : { ok: false, reason: difference };
}

async function readSaved(folder: string, attempt: number) {
  try {
    return {
      bundle: await readFile(join(folder, 'bundle.json')),
      taskFile: await readFile(join(folder, 'task.md')),
      objective: await readFile(join(folder, 'objective.md')),
      plan: await readFile(join(folder, 'attempts', String(attempt), 'plan.md')),
    };
  } catch (error) {
    if (isMissing(error)) return null;
    throw error;
  }
}

function isBodyOf(taskFile: Buffer, objective: Buffer): boolean {
  const parsed = parseTaskFile(taskFile);
  return parsed.ok && objective.equals(Buffer.from(parsed.file.body));
}
