import { createHash } from 'node:crypto';
import { open, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Bundle, bundleDigest } from '@countersign/contracts/bundle.ts';
import { taskFileLimits } from '@countersign/contracts/limits.ts';
import type { TaskRecord } from '@countersign/contracts/task-record.ts';
import { CliError } from './failure.ts';
import { taskFolder } from './task-files.ts';

export type Pending = TaskRecord & { readonly state: { readonly status: 'pending' } };

export function isPending(record: TaskRecord): record is Pending {
  return record.state.status === 'pending';
}

/** What an approval of a task would bind, checked against its digest. */
export type ApprovalView = { readonly digest: string; readonly bundle: Bundle; readonly plan: string };

/**
 * Reads the bundle and the plan of a task that waits at its gate.
 * @throws CliError when they are not the bytes that the digest names: nobody may approve what he is not shown
 */
export async function readApprovalView(volumes: string, record: Pending): Promise<ApprovalView> {
  const folder = taskFolder(record);
  const bundle = parseBundle(`${folder}/bundle.json`, await readPart(volumes, `${folder}/bundle.json`));
  const digest = bundleDigest(bundle);
  if (digest !== record.state.digest) throw mismatch(`${folder}/bundle.json`, record.state.digest, digest);
  if (bundle.task !== record.id) throw mismatch(`${folder}/bundle.json`, record.id, bundle.task);
  const planPath = `${folder}/attempts/${record.attempts}/plan.md`;
  const plan = await readPart(volumes, planPath);
  const planDigest = createHash('sha256').update(plan).digest('hex');
  if (planDigest !== bundle.plan) throw mismatch(planPath, bundle.plan, planDigest);
  return { digest, bundle, plan: plan.toString('utf8') };
}

/** A bundle names few things; its largest are lists of repositories and prompts. */
const bundleBytes = 1024 * 1024;

async function readPart(volumes: string, path: string): Promise<Buffer> {
  const limit = path.endsWith('.json') ? bundleBytes : taskFileLimits.planBytes;
  try {
    const file = await open(join(volumes, path), 'r');
    try {
      const { size } = await file.stat();
      if (size > limit)
        throw new CliError('refused', `${path} has ${size} bytes, more than the ${limit} that it can have`);
      return await readFile(file);
    } finally {
      await file.close();
    }
  } catch (cause) {
    if (cause instanceof CliError) throw cause;
    throw new CliError(
      'refused',
      `DO NOT APPROVE: ${path} cannot be read: ${cause instanceof Error ? cause.message : String(cause)}`,
      { cause },
    );
  }
}

function parseBundle(path: string, bytes: Buffer): Bundle {
  try {
    return Bundle.parse(JSON.parse(bytes.toString('utf8')));
  } catch (cause) {
    throw new CliError(
      'refused',
      `DO NOT APPROVE: ${path} is not a bundle: ${cause instanceof Error ? cause.message : String(cause)}`,
      { cause },
    );
  }
}

function mismatch(path: string, expected: string, found: string): CliError {
  return new CliError(
    'refused',
    [
      `DO NOT APPROVE: ${path} was changed after the approval was asked for.`,
      `  asked for: ${expected}`,
      `  found now: ${found}`,
      'Reject the task and drop its file again.',
    ].join('\n'),
  );
}
