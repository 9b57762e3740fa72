/** Something in the operator's folders that has to be mended by hand; the message says what and how. */
export class InitError extends Error {
  readonly code = 'init';
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'InitError';
  }
}

/** One line about one thing; `made` and `changed` are what a second run must not say again. */
export type Report = (what: 'made' | 'changed' | 'left alone', subject: string) => void;
