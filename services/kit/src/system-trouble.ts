const passing: ReadonlySet<string> = new Set([
  'ENOSPC',
  'EDQUOT',
  'EROFS',
  'EIO',
  'EMFILE',
  'ENFILE',
  'ENOMEM',
  'EAGAIN',
  'EBUSY',
  'EINTR',
  'ESTALE',
  'ENOTCONN',
]);

/** The system could not do what it was asked just now; `code` is its own. */
export class SystemTrouble extends Error {
  readonly code: string;
  constructor(code: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'SystemTrouble';
    this.code = code;
  }
}

/**
 * Whether an error is the machine's and not the work's: no room, no descriptor, a disk that does not answer. It says nothing of
 * what was being done, which is done again when it has passed.
 */
export function isPassing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' && passing.has(error.code);
}
