import express, { type Request, type RequestHandler } from 'express';
import { dashboardLimits } from '../limits.ts';
import { RequestProblem } from './problem.ts';

const jsonType = /^application\/json(?:\s*;\s*charset=utf-8)?$/i;

/** Reads a body that says that it is JSON and is no larger and no deeper than one of ours. */
export function jsonBody(limit: number): readonly RequestHandler[] {
  return [
    (request, _response, next) => {
      if (isJson(request)) return next();
      throw new RequestProblem(415, 'bad_request', 'The body has to be application/json in UTF-8.');
    },
    express.json({ limit, inflate: false, strict: true, type: () => true }),
    (request, _response, next) => {
      if (depthOf(request.body) <= dashboardLimits.jsonDepth) return next();
      throw new RequestProblem(400, 'bad_request', 'The body is too deeply nested.');
    },
  ];
}

/** A form or a beacon of another site cannot say so. */
function isJson({ headers }: Request): boolean {
  return jsonType.test(headers['content-type'] ?? '') && headers['content-encoding'] === undefined;
}

/** Without recursion; what is deeper than the limit is not looked at. */
function depthOf(value: unknown): number {
  let level: unknown[] = [value];
  let depth = 0;
  while (level.length > 0 && depth <= dashboardLimits.jsonDepth) {
    level = level.flatMap((each) => (typeof each === 'object' && each !== null ? Object.values(each) : []));
    depth += 1;
  }
  return depth;
}
