import { outcomeOf } from './outcome.ts';
import { runStoppable } from './run-stoppable.ts';
import { stoppedBy } from './stopped-by.ts';
import { modelEnvironment, toolEnvironment } from './tool-environment.ts';
import type { Worked } from './worked.ts';
import type { Workplace } from './workplace.ts';

/** Runs the tool of a task in its checkouts. */
export async function runTool(workplace: Workplace): Promise<Worked> {
  const { received, paths, modelPort, stdout, stderr, progress, disk, stop, logger } = workplace;
  const { frame } = received;
  logger.info({ task: frame.task, mode: frame.mode }, 'tool starts');
  progress.say({ summary: 'the tool runs' });
  const env = { ...toolEnvironment(paths), ...modelEnvironment(modelPort) };
  const over = new AbortController();
  const watched = frame.budget === undefined ? undefined : disk.run(over.signal);
  const { ended } = await runStoppable({ argv: frame.command, cwd: paths.workspace, env }, workplace, (tool) =>
    Promise.all([stdout.take(tool.stdout, progress.takeOutput), stderr.take(tool.stderr)]),
  );
  over.abort();
  await watched;
  // What a tool has filled faster than anybody looks is seen at its end.
  if (frame.budget !== undefined) await disk.look();
  const exitCode = ended.kind === 'exited' ? ended.code : null;
  const outcome = stop.aborted ? stoppedBy(stop) : outcomeOf(ended, frame.command[0] ?? '');
  return { done: 'tool', outcome, exitCode };
}
