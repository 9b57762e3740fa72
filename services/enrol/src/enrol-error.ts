/** Why there is no bot, operator or room; the message says what to do and holds no secret. */
export class EnrolError extends Error {
  readonly code = 'enrol';
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'EnrolError';
  }
}

/** One line about one thing, for a log; never a secret. */
export type Report = (line: string) => void;
