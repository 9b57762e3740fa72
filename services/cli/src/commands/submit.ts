import { open } from 'node:fs/promises';
import { basename } from 'node:path';
import type { Readable } from 'node:stream';
import { inertLine } from '@countersign/contracts/inert-text.ts';
import { taskFileLimits } from '@countersign/contracts/limits.ts';
import { formatProblems } from '@countersign/contracts/problem.ts';
import { isSubmittedName, submittedNameBytes } from '@countersign/contracts/task-file/file-name.ts';
import { parseTaskFile } from '@countersign/contracts/task-file/parse.ts';
import { parseCommandLine, spoolOptions } from '../arguments.ts';
import { CliError, type ExitCode } from '../failure.ts';
import { issueCommand } from '../issue-command.ts';
import { readLimited } from '../read-limited.ts';
import type { Context } from '../terminal.ts';

/** `submit`: a task file from standard input or a path, checked here before it is handed in. */
export async function submit(context: Context, words: readonly string[]): Promise<ExitCode> {
  const options = { ...spoolOptions, name: { type: 'string' } } as const;
  const { values, positionals } = parseCommandLine(words, options, { least: 0, most: 1 });
  const [path] = positionals;
  const file = checkName(values.name ?? (path === undefined ? defaultName() : basename(path)));
  const bytes = path === undefined ? await readTask(context.stdin, 'standard input') : await readPath(path);
  const parsed = parseTaskFile(bytes);
  if (!parsed.ok) throw new CliError('refused', formatProblems(inertLine(file), parsed.problems));
  // With its byte order mark, if there is one: what is dropped is what was handed in.
  const content = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  return await issueCommand(
    context,
    { kind: 'submit', subject: { file, content } },
    { json: values.json === true, wait: values['no-wait'] !== true, evidence: `argv: submit ${words.join(' ')}` },
  );
}

function checkName(name: string): string {
  if (!isSubmittedName(name))
    throw new CliError(
      'usage',
      `${JSON.stringify(name)} is no name for a task file: it ends in .md, has no / and at most ${submittedNameBytes} bytes, and is not hidden or temporary`,
    );
  return name;
}

function defaultName(): string {
  return `task-${new Date().toISOString().replaceAll(/[-:.]/g, '').slice(0, 18)}.md`;
}

async function readPath(path: string): Promise<Buffer> {
  try {
    const file = await open(path, 'r');
    return await readTask(file.createReadStream(), path);
  } catch (cause) {
    if (cause instanceof CliError) throw cause;
    throw new CliError('refused', `${path} cannot be read: ${cause instanceof Error ? cause.message : String(cause)}`, {
      cause,
    });
  }
}

async function readTask(stream: Readable, name: string): Promise<Buffer> {
  const most = taskFileLimits.fileBytes;
  return await readLimited(stream, most, `${name}: a task file has at most ${most} bytes`);
}
