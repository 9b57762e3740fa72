import type { Logger } from '@countersign/kit/logger.ts';

/**
 * What went wrong with one file, task or command of many: said once for each reason, so that the others are gone on with and
 * the log does not fill.
 */
export class Troubles {
  readonly #logger: Logger;
  readonly #said = new Map<string, string>();

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  say(subject: string, error: unknown): void {
    const reason = String(error);
    if (this.#said.get(subject) === reason) return;
    this.#said.set(subject, reason);
    this.#logger.error({ subject, err: error }, 'this one is passed over for now; it is tried again');
  }
}
