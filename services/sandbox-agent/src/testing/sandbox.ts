import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TaskFrame } from '@countersign/contracts/frames.ts';
import { createLogger } from '@countersign/kit/logger.ts';
import { runAgent } from '../agent/agent.ts';
import type { MeasureDisk } from '../agent/disk-watch.ts';
import { agentPaths } from '../agent/paths.ts';
import { makeRepository } from './repository.ts';
import { RunnerDouble } from './runner-double.ts';

export type TestSandbox = Awaited<ReturnType<typeof startSandbox>>;

/** An agent on folders of its own, with a runner that waits for it and one repository. */
export async function startSandbox(options: { orphanMs?: number; listen?: boolean; measureDisk?: MeasureDisk } = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'sandbox-agent-'));
  for (const name of ['slot', 'model', 'workspace', 'tmp', 'shm']) mkdirSync(join(folder, name));
  const paths = agentPaths({
    slot: join(folder, 'slot'),
    model: join(folder, 'model'),
    workspace: join(folder, 'workspace'),
    temporary: join(folder, 'tmp'),
    sharedMemory: join(folder, 'shm'),
  });
  const repository = makeRepository(join(folder, 'origin'), 'demo');
  const runner = options.listen === false ? undefined : await RunnerDouble.listen(paths.controlSocket);
  const stop = new AbortController();
  const over = runAgent(
    {
      paths,
      modelPort: 0,
      roomPort: 0,
      sweepScope: 'session',
      logger: createLogger('test', 'silent'),
      orphanMs: options.orphanMs ?? 60_000,
      ...(options.measureDisk === undefined ? {} : { measureDisk: options.measureDisk }),
    },
    stop.signal,
  );
  return {
    folder,
    paths,
    repository,
    over,
    stop,
    get runner(): RunnerDouble {
      if (runner === undefined) throw new Error('this sandbox has no runner');
      return runner;
    },
    async close() {
      stop.abort('test over');
      runner?.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** A task frame whose tool is a shell script. */
export function shellTask(sandbox: TestSandbox, script: string, changes: Partial<TaskFrame> = {}): TaskFrame {
  return {
    task: 'abcde',
    mode: 'run',
    command: ['sh', '-c', script],
    model: 'rehearsal',
    step_limit: 10,
    token_budget: 100_000,
    interrupt_ms: 5_000,
    terminate_ms: 5_000,
    output_bytes: 1024 * 1024,
    repositories: [sandbox.repository.frame],
    texts: 0,
    ...changes,
  };
}
