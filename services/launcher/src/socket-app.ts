import express, { type Express } from 'express';
import { EngineError } from './engine-error.ts';
import { launcherLimits } from './limits.ts';
import { refuse } from './outcome.ts';

/** What every socket of the launcher begins with: paths in one spelling, small bodies of JSON, and nothing parsed that is not asked for. */
export function createSocketApp(): Express {
  const app = express();
  app.disable('x-powered-by');
  app.disable('etag');
  app.enable('case sensitive routing');
  app.enable('strict routing');
  app.set('query parser', false);
  app.use(express.json({ limit: launcherLimits.bodyBytes, inflate: false }));
  return app;
}

/** The answer to a request whose work failed; all sockets' vocabularies have these codes. */
export function refusalOf(error: unknown) {
  if (error instanceof EngineError)
    return error.code === 'unreachable'
      ? refuse('engine-down', `the Docker engine does not answer: ${error.message}`).refusal
      : refuse('internal', `the Docker engine refused: ${error.message}`).refusal;
  // What express itself refuses: a body that is too large or no JSON, a path that does not decode.
  if (error instanceof Error && 'status' in error && typeof error.status === 'number' && error.status < 500)
    return refuse('bad-request', error.message).refusal;
  return refuse('internal', 'the launcher failed; its log says how').refusal;
}
