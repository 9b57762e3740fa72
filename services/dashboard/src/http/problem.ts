import type { Problem, TaskDetail } from '@countersign/contracts/page-api.ts';
import type { Response } from 'express';

/** A request that is answered with no success. */
export class RequestProblem extends Error {
  readonly status: number;
  readonly code: Problem['error'];
  /** With `stale`: the task as it is now. */
  readonly task: TaskDetail | undefined;
  constructor(status: number, code: Problem['error'], message: string, task?: TaskDetail) {
    super(message);
    this.name = 'RequestProblem';
    this.status = status;
    this.code = code;
    this.task = task;
  }
}

export function sendProblem(response: Response, { status, code, message, task }: RequestProblem): void {
  const body: Problem = { error: code, message, ...(task === undefined ? {} : { task }) };
  response.status(status).json(body);
}
