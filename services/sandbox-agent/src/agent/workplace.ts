import type { Logger } from '@countersign/kit/logger.ts';
import type { Capture } from './capture.ts';
import type { DiskWatch } from './disk-watch.ts';
import type { ReceivedTask } from './incoming-task.ts';
import type { AgentPaths } from './paths.ts';
import type { Progress } from './progress.ts';
import type { SweepScope } from './sweep.ts';

/** What every kind of work is given. */
export type Workplace = {
  readonly received: ReceivedTask;
  readonly paths: AgentPaths;
  readonly modelPort: number;
  readonly sweepScope: SweepScope;
  readonly logger: Logger;
  readonly stdout: Capture;
  readonly stderr: Capture;
  readonly progress: Progress;
  readonly disk: DiskWatch;
  /** Ends the work; its reason is a sentence's end. */
  readonly stop: AbortSignal;
};
