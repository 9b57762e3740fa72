import { relative } from 'node:path';
import { type Ended, runProcess } from '../process.ts';
import { confine } from './confine.ts';
import { done, failed, type Place, type ToolResult } from './file-tools.ts';
import { HeadTail } from './head-tail.ts';
import { toolLimits } from './limits.ts';

/** Runs a shell command; its exit code and output are the result, whatever they are. */
export async function runCommand(
  place: Place,
  { command }: { command: string },
  stop: AbortSignal,
): Promise<ToolResult> {
  const { ended, output, timedOut } = await collect(place, ['sh', '-c', command], toolLimits.commandMs, stop);
  if (timedOut) return failed(`the command was ended after ${toolLimits.commandMs / 1_000} seconds\n${output}`);
  if (ended.kind === 'missing') return failed(ended.message);
  const end = ended.kind === 'killed' ? `ended by ${ended.signal}` : `exit code ${ended.code}`;
  return { ok: ended.kind === 'exited' && ended.code === 0, text: output === '' ? end : `${end}\n${output}` };
}

export async function searchFiles(
  place: Place,
  { pattern, path }: { pattern: string; path: string },
  stop: AbortSignal,
): Promise<ToolResult> {
  const folder = relative(place.workspace, await confine(place.workspace, path, 'read')) || '.';
  const argv = ['grep', '-rnIE', '--exclude-dir=.git', '--exclude-dir=node_modules', '-e', pattern, '--', folder];
  const { ended, output, timedOut } = await collect(place, argv, toolLimits.searchMs, stop);
  if (timedOut) return failed('the search took too long; search a smaller folder');
  if (ended.kind === 'exited' && ended.code === 1) return done('nothing was found');
  if (ended.kind === 'exited' && ended.code === 0) return done(output.replaceAll(/^\.\//gm, ''));
  return failed(output);
}

async function collect(
  place: Place,
  argv: readonly string[],
  limitMs: number,
  stop: AbortSignal,
): Promise<{ ended: Ended; output: string; timedOut: boolean }> {
  const limit = AbortSignal.timeout(limitMs);
  const output = new HeadTail(place.resultBytes);
  const env = Object.fromEntries(
    Object.entries(process.env).filter((entry): entry is [string, string] => entry[1] !== undefined),
  );
  const command = { argv, cwd: place.workspace, env };
  const ended = await runProcess(command, (data) => output.add(data), AbortSignal.any([stop, limit]));
  stop.throwIfAborted();
  return { ended, output: output.text(), timedOut: limit.aborted };
}
