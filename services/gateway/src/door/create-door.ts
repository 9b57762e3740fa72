import type { Server } from 'node:http';
import type { Logger } from '@countersign/kit/logger.ts';
import { ByteBudget } from '../byte-budget.ts';
import type { Limits } from '../limits.ts';
import { createStrictServer } from '../strict-server.ts';
import type { Upstream } from '../upstream.ts';
import { DoorLog } from './door-log.ts';
import { type DoorContext, handleDoorRequest } from './handle-door-request.ts';
import { doorErrorBody, notAllowed } from './refusal.ts';

/** The listener's way to the homeserver, not yet listening. */
export function createDoor(homeserver: Upstream, limits: Limits, logger: Logger): Server {
  const log = new DoorLog(logger, limits);
  const held = new ByteBudget(limits.doorHeldBytes, null);
  const context: DoorContext = { homeserver, limits, log, held, active: { count: 0 } };
  return createStrictServer({
    limits,
    serve: (request, response) => handleDoorRequest(context, request, response),
    refused: (method, _target, { status, reason }) => log.refused(method, null, notAllowed(reason, status)),
    errorBody: ({ reason }) => doorErrorBody(notAllowed(reason)),
  });
}
