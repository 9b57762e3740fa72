import { type GatewayHealth, type ModelReport, OpenSlot } from '@countersign/contracts/gateway-api.ts';
import { SlotId } from '@countersign/contracts/names.ts';
import { Room } from '@countersign/contracts/task-room.ts';
import type { Logger } from '@countersign/kit/logger.ts';
import express, { type ErrorRequestHandler, type Express } from 'express';
import { defaultLimits } from './limits.ts';
import type { Recent } from './recent.ts';
import type { Slots } from './slots.ts';

const openRefusals = {
  'no-folder': { status: 404, error: 'the slot has no folder' },
  full: { status: 503, error: 'too many slots are open' },
} as const;

/** The gateway's API for the runner; its routes and answers are in the contracts. */
export function createControlApi(slots: Slots, model: Recent<ModelReport>, logger: Logger): Express {
  const api = express();
  api.disable('x-powered-by');
  api.disable('etag');
  api.param('id', (_request, response, next, id) => {
    if (SlotId.safeParse(id).success) next();
    else response.status(400).json({ error: 'a slot is 32 hexadecimal digits' });
  });
  api.put('/slots/:id', express.json({ limit: defaultLimits.controlBytes }), async (request, response) => {
    const order = OpenSlot.safeParse(request.body ?? {});
    if (!order.success) return void response.status(400).json({ error: 'not an order to open a slot' });
    const opened = await slots.open(request.params.id, order.data);
    if (opened.status === 'open') response.json(opened.slot);
    else response.status(openRefusals[opened.reason].status).json({ error: openRefusals[opened.reason].error });
  });
  api.put('/slots/:id/room', express.json({ limit: defaultLimits.roomToldBytes }), (request, response) => {
    const room = Room.safeParse(request.body ?? {});
    if (!room.success) return void response.status(400).json({ error: 'not what a room is told by' });
    if (slots.tell(request.params.id, room.data)) response.json(slots.get(request.params.id));
    else response.status(404).json({ error: 'the slot is not open' });
  });
  api.get('/slots/:id', (request, response) => {
    const slot = slots.get(request.params.id);
    if (slot === null) response.status(404).json({ error: 'the slot is not open' });
    else response.json(slot);
  });
  api.delete('/slots/:id', async (request, response) => {
    await slots.close(request.params.id);
    response.status(204).end();
  });
  api.get('/model', async (_request, response) => {
    response.json(await model.get());
  });
  api.get('/health', (_request, response) => {
    response.json({ status: 'ok', slots: slots.size } satisfies GatewayHealth);
  });
  api.use((_request, response) => {
    response.status(404).json({ error: 'no such route' });
  });
  const fail: ErrorRequestHandler = (error, _request, response, next) => {
    logger.error({ err: error }, 'control request failed');
    if (response.headersSent) next(error);
    else if (isUnreadable(error)) response.status(400).json({ error: 'the body cannot be read' });
    else response.status(500).json({ error: 'the gateway failed' });
  };
  api.use(fail);
  return api;
}

/** What Express says of a body that is no JSON, or too large. */
function isUnreadable(error: unknown): boolean {
  return (
    error instanceof Error && 'type' in error && typeof error.type === 'string' && error.type.startsWith('entity.')
  );
}
