import type { Check } from '@countersign/contracts/condition.ts';
import { printableLine } from '../printable.ts';
import { clearTemporary } from './clear-temporary.ts';
import { FairShare } from './fair-share.ts';
import { agentLimits } from './limits.ts';
import type { Outcome } from './outcome.ts';
import { runStoppable } from './run-stoppable.ts';
import { stoppedBy } from './stopped-by.ts';
import { toolEnvironment } from './tool-environment.ts';
import type { Worked } from './worked.ts';
import type { Workplace } from './workplace.ts';

export const notStarted: Check = { exit_code: null, duration_ms: 0 };

/**
 * Runs the conditions one after the other, all of them whatever the others' ends. Each has the same work tree: what one changes
 * there, the next one sees. Nothing else of it stays: its processes are killed, and home and temporary files removed; when that
 * cannot be done, nothing more is run. How one ended is what the kernel says of its process, never what it prints or writes.
 */
export async function verify(workplace: Workplace): Promise<Worked> {
  const { received, stop, stdout, stderr, logger } = workplace;
  const conditions = received.frame.conditions ?? [];
  logger.info({ task: received.frame.task, conditions: conditions.length }, 'conditions start');
  const lines = conditions.map((condition) => `$ ${printableLine(condition, agentLimits.conditionCharacters)}`);
  const reserve = lines.reduce((sum, line) => sum + Buffer.byteLength(line) + agentLimits.conditionLineBytes, 0);
  const limitBytes = received.frame.output_bytes;
  const shares = {
    stdout: new FairShare(stdout, limitBytes - reserve, conditions.length),
    stderr: new FairShare(stderr, limitBytes, conditions.length),
  };
  const checks: Check[] = [];
  let problem: Outcome | undefined;
  for (const [index, condition] of conditions.entries()) {
    const line = lines[index] ?? '';
    if (stop.aborted || problem !== undefined) checks.push(notStarted);
    else {
      const { check, left } = await runCondition(condition, line, index, shares, workplace);
      checks.push(check);
      if (left) problem = failed(`what condition ${index + 1} has started or written could not be removed`);
    }
  }
  const outcome: Outcome = stop.aborted ? stoppedBy(stop) : (problem ?? { kind: 'finished' });
  return { done: 'conditions', outcome, exitCode: stop.aborted ? null : exitCodeOf(checks), checks };
}

/** 0 when every condition passed, otherwise the code of the first that did not; one that has no code counts as 1. */
function exitCodeOf(checks: readonly Check[]): number {
  const first = checks.find(({ exit_code }) => exit_code !== 0);
  return first === undefined ? 0 : (first.exit_code ?? 1);
}

async function runCondition(
  condition: string,
  line: string,
  index: number,
  shares: Readonly<Record<'stdout' | 'stderr', FairShare>>,
  workplace: Workplace,
): Promise<{ check: Check; left: boolean }> {
  const { received, paths, stdout, stderr, progress } = workplace;
  const of = received.frame.conditions?.length ?? 0;
  progress.say({ summary: `condition ${index + 1} of ${of}: ${printableLine(condition)}`, step: index + 1 });
  await stdout.say(line);
  const droppedBefore = stdout.dropped + stderr.dropped;
  const started = performance.now();
  const command = { argv: ['sh', '-c', condition], cwd: paths.workspace, env: toolEnvironment(paths) };
  const { ended, stopped, swept } = await runStoppable(command, workplace, (running) =>
    Promise.all([shares.stdout.take(running.stdout, index), shares.stderr.take(running.stderr, index)]),
  );
  const durationMs = Math.round(performance.now() - started);
  const cleared = await clearTemporary(paths);
  const dropped = stdout.dropped + stderr.dropped - droppedBefore;
  if (dropped > 0) await stdout.say(`[${dropped} bytes of output left out]`);
  const exitCode = ended.kind === 'exited' && !stopped ? ended.code : null;
  const end = stopped ? 'stopped' : ended.kind === 'killed' ? `ended by ${ended.signal}` : 'not started';
  await stdout.say(`[${exitCode === null ? end : `exit ${exitCode}`}, ${(durationMs / 1000).toFixed(1)} s]`);
  return { check: { exit_code: exitCode, duration_ms: durationMs }, left: !swept || !cleared };
}

function failed(message: string): Outcome {
  return { kind: 'failed', errorClass: 'tool_failed', message };
}
