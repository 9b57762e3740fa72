/**
 * The engine did not do what was asked. `unreachable`: it did not answer (in time); `not-found`, `conflict`: it says so;
 * `refused`: any other error answer, or one that is not understood.
 */
export class EngineError extends Error {
  readonly code: 'unreachable' | 'not-found' | 'conflict' | 'refused';
  constructor(code: EngineError['code'], message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'EngineError';
    this.code = code;
  }
}
