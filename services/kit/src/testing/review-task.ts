import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { canonicalJson } from '@countersign/contracts/canonical-json.ts';
import type { DiffFile, DiffIndex, RepositoryDiff } from '@countersign/contracts/diff-index.ts';
import type { Handoff } from '@countersign/contracts/handoff.ts';
import { type Result, type TaskRecord, taskFolder } from '@countersign/contracts/task-record.ts';
import { sha256 } from '../digest.ts';
import type { Review } from '../review-view.ts';
import { makeRecord } from './waiting-task.ts';

const since = '2026-11-20T11:00:00.000Z';

export type ReviewTask = {
  readonly record: Review;
  readonly result: Result;
  readonly index: DiffIndex;
  readonly patches: ReadonlyMap<string, string>;
  readonly handoff: Handoff | null;
};

export type ReviewChange = {
  readonly record?: Partial<TaskRecord>;
  readonly verification?: Result['verification'];
  readonly refusals?: Review['state']['refusals'];
  /** Of each repository its patch; the first has the files. */
  readonly patches?: Readonly<Record<string, string>>;
  readonly branch?: string;
  readonly files?: readonly (Pick<DiffFile, 'path'> & Partial<DiffFile>)[];
  /** What the agent said of its work; without it there is no handoff. */
  readonly agent?: Handoff['agent'];
};

/** A task whose result waits to be merged, with the saved diff that its digest names. */
export function makeReviewTask(change: ReviewChange = {}): ReviewTask {
  const patches = new Map(Object.entries(change.patches ?? { demo: 'diff --git a/x b/x\n+one\n' }));
  const branch = change.branch ?? 'main';
  const repositories = [...patches].map(([name, patch], at) =>
    makeDiff(name, branch, patch, at === 0 ? (change.files ?? [{ path: 'x' }]) : [{ path: 'x' }]),
  );
  const index: DiffIndex = { version: 1, repositories };
  const result: Result = {
    repositories: repositories.map(({ name, base_head, head, totals, flags }) => ({
      name,
      branch,
      base_head,
      head,
      ref: `refs/agentic/RUN-20261120-001/${change.record?.id ?? 'gated'}`,
      files: totals.files,
      insertions: totals.insertions,
      deletions: totals.deletions,
      flags: [...flags],
    })),
    attempt: 1,
    digest: sha256(canonicalJson(index)),
    verification: change.verification ?? { status: 'unverified' },
  };
  const reason = `waits for review of ${result.digest.slice(0, 8)}`;
  const refusals = change.refusals ?? [];
  const record = makeRecord({ status: 'review' as const, wait: null, since, reason, result, refusals }, change.record);
  return {
    record,
    result,
    index,
    patches,
    handoff: change.agent === undefined ? null : makeHandoff(record, change.agent),
  };
}

/** Writes the task's record and what lies beside it below `volumes/` as the runner leaves it, and tells its folder. */
export async function writeReviewTask(
  volumes: string,
  { record, index, patches, handoff }: ReviewTask,
): Promise<string> {
  const folder = join(volumes, taskFolder(record));
  const attempt = join(folder, 'attempts', String(record.state.result.attempt));
  await mkdir(join(attempt, 'diffs'), { recursive: true });
  await writeFile(join(folder, 'task.json'), JSON.stringify(record));
  await writeFile(join(attempt, 'diffs/index.json'), canonicalJson(index));
  for (const [name, patch] of patches) await writeFile(join(attempt, `diffs/${name}.patch`), patch);
  // JSON is YAML as well.
  if (handoff !== null) await writeFile(join(attempt, 'handoff.yaml'), JSON.stringify(handoff));
  return folder;
}

function makeDiff(
  name: string,
  branch: string,
  patch: string,
  changes: readonly (Pick<DiffFile, 'path'> & Partial<DiffFile>)[],
): RepositoryDiff {
  const files = changes.map(
    (file): DiffFile => ({
      status: 'modified',
      old_mode: '100644',
      new_mode: '100644',
      insertions: 2,
      deletions: 1,
      bytes: 10,
      flags: [],
      ...file,
    }),
  );
  const sum = (key: 'insertions' | 'deletions') => files.reduce((total, file) => total + (file[key] ?? 0), 0);
  const flagged = files.filter(({ flags }) => flags.length > 0).length;
  return {
    name,
    branch,
    base_head: 'b'.repeat(40),
    head: 'c'.repeat(40),
    patch: { file: `${name}.patch`, bytes: Buffer.byteLength(patch), sha256: sha256(patch) },
    totals: { files: files.length, insertions: sum('insertions'), deletions: sum('deletions'), flagged },
    flags: [...new Set(files.flatMap(({ flags }) => flags))].sort(),
    files,
    files_left_out: 0,
  };
}

function makeHandoff(record: Review, agent: Handoff['agent']): Handoff {
  const { id: task, run, workspace, title, state } = record;
  return {
    version: 1,
    task,
    run,
    attempt: state.result.attempt,
    workspace,
    memory_task: null,
    title,
    status: 'review',
    error_class: null,
    ended_at: since,
    what: 'The work is done.',
    evidence: { changed: [], validation: [] },
    blocker: 'none',
    next: 'It waits to be merged.',
    repositories: state.result.repositories.map(({ name, branch, base_head, head, ref }) => ({
      name,
      branch,
      base_head,
      head,
      ref,
    })),
    diff: state.result.digest,
    model: 'm',
    tokens: null,
    duration_ms: 1_000,
    prompts: {},
    agent,
  };
}
