import { questionLimits } from '@countersign/contracts/limits.ts';

/** How long whoever asks waits, in milliseconds. */
export type QuestionWaits = {
  /** Of one look for the answer, as Matrix's `timeout`. */
  readonly syncMs: number;
  /** Between two tries. */
  readonly retryMs: number;
  /** Nobody may be there to take a question for a while: a service is being restarted. */
  readonly askMs: number;
  /** One request, in all. */
  readonly requestMs: number;
  /** A question ends by its deadline, or with the attempt; this ends what neither did. */
  readonly answerMs: number;
};

export const questionWaits: QuestionWaits = {
  syncMs: 30_000,
  retryMs: 1_000,
  askMs: 10 * 60_000,
  requestMs: 90_000,
  answerMs: questionLimits.mostSec * 1_000 + 60 * 60_000,
};

/** Where a task's own Matrix is, in a sandbox. */
export const roomOrigin = 'http://127.0.0.1:8008';
