import type { ToolError } from '../tool-error.ts';

/** The work cannot go on; the message is for people. */
export class TaskFailure extends Error {
  readonly code: ToolError['error_class'];
  constructor(code: ToolError['error_class'], message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'TaskFailure';
    this.code = code;
  }
}

/** A request to the model that failed: where it failed decides whether it is worth another try. */
export class ModelError extends Error {
  readonly code: 'unreachable' | 'missing' | 'busy' | 'refused' | 'broken';
  constructor(code: ModelError['code'], message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'ModelError';
    this.code = code;
  }
}
