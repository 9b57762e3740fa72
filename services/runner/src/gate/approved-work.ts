import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Bundle, bundleDigest } from '@countersign/contracts/bundle.ts';
import type { ModelReport } from '@countersign/contracts/gateway-api.ts';
import type { Profile } from '@countersign/contracts/launcher-api.ts';
import type { TaskRecord } from '@countersign/contracts/task-record.ts';
import { sha256 } from '@countersign/kit/digest.ts';
import { toolDigest } from '../config.ts';
import type { Context } from '../context.ts';

/** What stands now where the bundle names a digest. */
export type Facts = Pick<
  Bundle,
  'task_file' | 'spec' | 'plan' | 'tool' | 'model' | 'sandbox' | 'prompts' | 'policy' | 'timeout_sec'
>;

/**
 * Compares what was approved with what would run. Returns what differs, in the operator's words, or null when every byte is the
 * same. Pure.
 */
export function whatChanged(bundle: Bundle, now: Facts): string | null {
  const differences = [
    bundle.task_file !== now.task_file && 'the task file',
    bundle.spec !== null && bundle.spec !== now.spec && 'the objective',
    bundle.plan !== now.plan && 'the plan',
    (bundle.tool.name !== now.tool.name || bundle.tool.definition !== now.tool.definition) &&
      'the tool (configs/tools.yaml)',
    (bundle.model.kind !== now.model.kind || bundle.model.name !== now.model.name) && 'the model',
    (bundle.sandbox.profile !== now.sandbox.profile || bundle.sandbox.definition !== now.sandbox.definition) &&
      'the sandbox profile',
    bundle.sandbox.image !== now.sandbox.image && "the sandbox's image",
    (bundle.prompts['plan'] !== now.prompts['plan'] || bundle.prompts['run'] !== now.prompts['run']) && 'a prompt',
    bundle.policy !== now.policy && 'the policy (configs/stages.yaml)',
    bundle.timeout_sec !== now.timeout_sec && 'the time limit',
  ].filter((difference) => difference !== false);
  return differences.length === 0 ? null : `changed since it was shown: ${differences.join(', ')}`;
}

export type ApprovedWork =
  | { readonly ok: true; readonly plan: string }
  | { readonly ok: false; readonly reason: string };

/** Reads approved work back and checks that it is, to the byte, what was approved. */
export async function readApprovedWork(
  context: Context,
  record: TaskRecord,
  digest: string,
  needs: { model: ModelReport & { status: 'ready' }; profile: Profile },
): Promise<ApprovedWork> {
  const folder = context.layout.task(record.run, record.id);
  const bundle = Bundle.safeParse(JSON.parse(await readFile(join(folder, 'bundle.json'), 'utf8')));
  if (!bundle.success || bundleDigest(bundle.data) !== digest)
    return { ok: false, reason: 'the bundle is not the one that was approved' };
  const plan = await readFile(join(folder, 'attempts', String(record.attempts), 'plan.md'));
  const difference = whatChanged(bundle.data, {
    task_file: sha256(await readFile(join(folder, 'task.md'))),
    spec: sha256(await readFile(join(folder, 'objective.md'))),
    plan: sha256(plan),
    tool: { name: record.tool, definition: toolDigest(context.config, record.tool) },
    model: { kind: needs.model.kind, name: needs.model.name },
    sandbox: { profile: needs.profile.name, definition: needs.profile.definition, image: needs.profile.image },
    prompts: { plan: context.config.prompts.plan.digest, run: context.config.prompts.run.digest },
    policy: context.config.policyDigest,
    timeout_sec: record.timeout_sec,
  });
  return difference === null ? { ok: true, plan: plan.toString('utf8') } : { ok: false, reason: difference };
}
