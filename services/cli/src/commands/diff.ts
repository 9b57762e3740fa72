import { createReadStream } from 'node:fs';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import type { RepositoryDiff } from '@countersign/contracts/diff-index.ts';
import { inertJson } from '@countersign/contracts/inert-text.ts';
import type { Result, TaskRecord } from '@countersign/contracts/task-record.ts';
import { checkPatch } from '@countersign/kit/diff-view.ts';
import { attemptFolder } from '@countersign/kit/review-view.ts';
import { parseCommandLine } from '../arguments.ts';
import { CliError, type ExitCode, exitCodes } from '../failure.ts';
import { cliLimits } from '../limits.ts';
import { namedTask } from '../named-task.ts';
import { readPatchStart } from '../patch-start.ts';
import { patchLines, statLines } from '../patch-text.ts';
import { asAdvice, readShownDiff } from '../shown-diff.ts';
import { type Context, print } from '../terminal.ts';

const options = {
  repository: { type: 'string' },
  stat: { type: 'boolean' },
  bytes: { type: 'string' },
  raw: { type: 'boolean' },
} as const;

/** `diff`: the saved patches, checked against the digest first; large ones in part. */
export async function diff(context: Context, words: readonly string[]): Promise<ExitCode> {
  const { values, positionals } = parseCommandLine(words, options, { least: 1, most: 1 });
  const [name = ''] = positionals;
  const bytes = readBytes(values.bytes);
  if (values.raw === true && context.config.terminal)
    throw new CliError('usage', '--raw is not for a terminal, on which a patch could act: send it to a file or a pipe');
  const { volumes } = context.config;
  const record = await namedTask(volumes, name, hasResult, 'looked at');
  const result = resultOf(record);
  if (result === null) throw new CliError('refused', `${record.id} has no saved diff`);
  const { index } = await readShownDiff(volumes, record, result);
  const folder = attemptFolder(record, result.attempt);
  const repositories = choose(index.repositories, values.repository);
  for (const { patch } of repositories)
    await checkPatch(volumes, folder, patch).catch((error: unknown) => {
      throw asAdvice(error);
    });
  const pathOf = ({ patch }: RepositoryDiff) => `${folder}/diffs/${patch.file}`;
  if (values.raw === true) {
    for (const each of repositories)
      await pipeline(createReadStream(join(volumes, pathOf(each))), context.stdout, { end: false });
    return exitCodes.ok;
  }
  const shown = repositories.map(async (each) => ({
    ...each,
    path: pathOf(each),
    part: values.stat === true ? null : await readPatchStart(volumes, folder, each.patch, bytes),
  }));
  if (values.json === true)
    print(
      context.stdout,
      inertJson({ task: record.id, digest: result.digest, repositories: await Promise.all(shown) }),
    );
  else for (const each of await Promise.all(shown)) print(context.stdout, ...linesOf(each, each.path, each.part));
  return exitCodes.ok;
}

function linesOf(repository: RepositoryDiff, path: string, part: Parameters<typeof patchLines>[2] | null): string[] {
  return part === null ? statLines(repository, path) : patchLines(repository, path, part);
}

function hasResult(record: TaskRecord): boolean {
  return resultOf(record) !== null;
}

function resultOf({ state }: TaskRecord): Result | null {
  return 'result' in state ? state.result : null;
}

function choose(all: readonly RepositoryDiff[], name: string | undefined): readonly RepositoryDiff[] {
  if (name === undefined) return all;
  const chosen = all.filter((each) => each.name === name);
  if (chosen.length > 0) return chosen;
  throw new CliError(
    'refused',
    `nothing was changed in a repository ${JSON.stringify(name)}; there are changes in ${all.map((each) => each.name).join(', ')}`,
  );
}

function readBytes(typed: string | undefined): number {
  if (typed === undefined) return cliLimits.patchBytes;
  const bytes = /^[1-9]\d{0,8}$/.test(typed) ? Number(typed) : 0;
  if (bytes < 1 || bytes > cliLimits.patchBytesMost)
    throw new CliError('usage', `--bytes takes a number from 1 to ${cliLimits.patchBytesMost}`);
  return bytes;
}
