import { STATUS_CODES } from 'node:http';
import type { Problem } from '@countersign/contracts/page-api.ts';
import type { Logger } from '@countersign/kit/logger.ts';
import type { ErrorRequestHandler } from 'express';
import { QueryError } from '../queries/query-error.ts';
import { RequestProblem, sendProblem } from './problem.ts';

const statusOf: Readonly<Record<QueryError['code'], number>> = {
  not_found: 404,
  bad_request: 400,
  too_large: 413,
  index_rebuilding: 503,
};

/** Every failure becomes a problem in our own words: what a library says may hold paths, versions, or what was sent. */
export function failureHandler(logger: Logger): ErrorRequestHandler {
  return (error: unknown, request, response, _next) => {
    const problem = problemOf(error);
    if (problem.status === 500)
      logger.error(
        { method: request.method, route: response.locals['route'], failure: outlineOf(error) },
        'request failed',
      );
    // Whoever is still sending reads no answer before the end; and what is not read would be taken for the next request.
    request.resume();
    if (response.headersSent) response.destroy();
    else sendProblem(response, problem);
  };
}

function problemOf(error: unknown): RequestProblem {
  if (error instanceof RequestProblem) return error;
  if (error instanceof QueryError) return new RequestProblem(statusOf[error.code], error.code, error.message);
  const status = error instanceof Error && 'status' in error && typeof error.status === 'number' ? error.status : 500;
  if (status >= 400 && status < 500)
    return new RequestProblem(
      status,
      codeOf(status),
      `The request cannot be read: ${STATUS_CODES[status] ?? 'refused'}.`,
    );
  return new RequestProblem(500, 'internal', 'Something failed here. The log of the dashboard says what.');
}

function codeOf(status: number): Problem['error'] {
  if (status === 413) return 'too_large';
  return status === 404 ? 'not_found' : 'bad_request';
}

/** What it is and where it was thrown, without fields that a library may have put what was sent into. */
function outlineOf(error: unknown): Readonly<Record<string, unknown>> {
  return error instanceof Error
    ? { name: error.name, message: error.message, stack: error.stack }
    : { name: typeof error };
}
