import type { Server } from 'node:http';
import { createStrictServer } from '../strict-server.ts';
import { handleRoomRequest, type RoomContext } from './handle-room-request.ts';
import { roomErrorBody } from './refusal.ts';

/** A slot's own Matrix, not yet listening. */
export function createRoomServer(context: RoomContext): Server {
  return createStrictServer({
    limits: context.limits,
    serve: (request, response) => handleRoomRequest(context, request, response),
    refused: (method, target, refusal) => context.log.refused(method, target, refusal),
    errorBody: ({ reason }) => roomErrorBody({ errcode: 'M_UNRECOGNIZED', reason }),
  });
}
