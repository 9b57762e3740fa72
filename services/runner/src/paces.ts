import { endingLimits, inboxLimits, serviceLimits } from '@countersign/contracts/limits.ts';
import { memoryLimits } from './memory/memory-limits.ts';

/** How long the runner waits before it looks, or tries, again, in milliseconds. Tests of many runs go faster. */
export type Paces = {
  /** Between two turns of the work loop that nothing woke. */
  readonly turnMs: number;
  /** Between two questions to the services, and two looks at the warm sandboxes. */
  readonly upkeepMs: number;
  /** A task that has used its budget of the model up is stopped within this, and the time of one answer. */
  readonly meterMs: number;
  /** How long a file has to stand still. */
  readonly settleMs: number;
  /** What could not be finished is tried again after so long. */
  readonly finishRetryMs: number;
  readonly sandboxRetryMs: number;
  /** Between two looks after a sandbox that is not heard of. */
  readonly lostCheckMs: number;
  /** After the last signal: for the sandbox to send what there is. */
  readonly collectMs: number;
  readonly memoryRetryMs: number;
  /** For a lock of the operator's own git in the memory. */
  readonly memoryLockMs: number;
};

export const paces: Paces = {
  turnMs: 1_000,
  upkeepMs: 2_000,
  meterMs: 1_000,
  settleMs: inboxLimits.settleMs,
  finishRetryMs: 5_000,
  sandboxRetryMs: serviceLimits.retryMs,
  lostCheckMs: 2_000,
  collectMs: endingLimits.collectMs,
  memoryRetryMs: memoryLimits.retryMs,
  memoryLockMs: memoryLimits.lockWaitMs,
};
