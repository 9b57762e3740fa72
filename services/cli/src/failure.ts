/** What the command's exit code says. */
export const exitCodes = { ok: 0, refused: 1, usage: 2, noVerdict: 3 } as const;
export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];

/** The command cannot be carried out as it was given; the message is for the person who typed it. */
export class CliError extends Error {
  readonly code: 'usage' | 'refused';
  constructor(code: CliError['code'], message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'CliError';
    this.code = code;
  }
}
