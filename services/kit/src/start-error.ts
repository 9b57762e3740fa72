/** A service that must not start here and now; the message says why, and what to do. */
export class StartError extends Error {
  readonly code = 'start';
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'StartError';
  }
}
