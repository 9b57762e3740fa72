import type { Problem } from '@countersign/contracts/page-api.ts';

/**
 * A question that has no answer now. `code` is the answer's `error`: `not_found` for what is not there, `bad_request` for what cannot
 * be asked, `too_large` for what is not shown in one piece, `index_rebuilding` while the index is made anew: asked again in a second,
 * it answers.
 */
export class QueryError extends Error {
  readonly code: Extract<Problem['error'], 'not_found' | 'bad_request' | 'too_large' | 'index_rebuilding'>;
  constructor(code: QueryError['code'], message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'QueryError';
    this.code = code;
  }
}
