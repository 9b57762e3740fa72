import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Bundle, bundleDigest } from '@countersign/contracts/bundle.ts';
import { taskFileLimits } from '@countersign/contracts/limits.ts';
import { type TaskRecord, taskFolder } from '@countersign/contracts/task-record.ts';
import { sha256 } from './digest.ts';
import { openRegularFile } from './regular-file.ts';

export type Pending = TaskRecord & { readonly state: { readonly status: 'pending' } };

export function isPending(record: TaskRecord): record is Pending {
  return record.state.status === 'pending';
}

/** What an approval of a task would bind, checked against its digest. */
export type ApprovalView = { readonly digest: string; readonly bundle: Bundle; readonly plan: string };

/**
 * What an approval would bind cannot be shown. `changed`: it is not what the approval was asked for; `unreadable`: it is not
 * there or the disk does not give it. The message names the file, and may have several lines.
 */
export class ApprovalViewError extends Error {
  readonly code: 'changed' | 'unreadable';
  constructor(code: ApprovalViewError['code'], message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'ApprovalViewError';
    this.code = code;
  }
}

/**
 * Reads the bundle and the plan of a task that waits at its gate.
 * @param volumes the folder that holds `runs/`
 * @throws ApprovalViewError when they are not the bytes that the digest names: nobody may approve what he is not shown
 */
export async function readApprovalView(volumes: string, record: Pending): Promise<ApprovalView> {
  const folder = taskFolder(record);
  const bundlePath = `${folder}/bundle.json`;
  const bundle = parseBundle(bundlePath, await readPart(volumes, bundlePath, bundleBytes));
  const digest = bundleDigest(bundle);
  if (digest !== record.state.digest) throw mismatch(bundlePath, record.state.digest, digest);
  if (bundle.task !== record.id) throw mismatch(bundlePath, record.id, bundle.task);
  const planPath = `${folder}/attempts/${record.attempts}/plan.md`;
  const plan = await readPart(volumes, planPath, taskFileLimits.planBytes);
  const planDigest = sha256(plan);
  if (planDigest !== bundle.plan) throw mismatch(planPath, bundle.plan, planDigest);
  return { digest, bundle, plan: plan.toString('utf8') };
}

/** A bundle names few things; its largest are lists of repositories and prompts. */
const bundleBytes = 1024 * 1024;

async function readPart(volumes: string, path: string, limit: number): Promise<Buffer> {
  try {
    const file = await openRegularFile(join(volumes, path), volumes);
    try {
      const { size } = await file.stat();
      if (size > limit)
        throw new ApprovalViewError('changed', `${path} has ${size} bytes, more than the ${limit} that it can have`);
      return await readFile(file);
    } finally {
      await file.close();
    }
  } catch (cause) {
    if (cause instanceof ApprovalViewError) throw cause;
    throw new ApprovalViewError(
      'unreadable',
      `${path} cannot be read: ${cause instanceof Error ? cause.message : String(cause)}`,
      { cause },
    );
  }
}

function parseBundle(path: string, bytes: Buffer): Bundle {
  try {
    return Bundle.parse(JSON.parse(bytes.toString('utf8')));
  } catch (cause) {
    throw new ApprovalViewError(
      'changed',
      `${path} is not a bundle: ${cause instanceof Error ? cause.message : String(cause)}`,
      { cause },
    );
  }
}

function mismatch(path: string, expected: string, found: string): ApprovalViewError {
  return new ApprovalViewError(
    'changed',
    [`${path} was changed after the approval was asked for.`, `  asked for: ${expected}`, `  found now: ${found}`].join(
      '\n',
    ),
  );
}
