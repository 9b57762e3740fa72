import type { IncomingMessage, ServerResponse } from 'node:http';
import type { ByteBudget } from '../byte-budget.ts';
import type { Limits } from '../limits.ts';
import { discardBody, readBody } from '../read-body.ts';
import { answerRefusal } from '../refusal.ts';
import type { Upstream } from '../upstream.ts';
import { checkDoorBody } from './check-body.ts';
import { type Admitted, decideDoor } from './decide.ts';
import type { DoorLog } from './door-log.ts';
import { forwardToHomeserver } from './forward.ts';
import { type DoorRefusal, doorErrorBody, notAllowed } from './refusal.ts';
import type { DoorRoute } from './routes.ts';

/** What the door's requests are judged by and where they go. */
export type DoorContext = {
  readonly homeserver: Upstream;
  readonly limits: Limits;
  readonly log: DoorLog;
  /** Request bodies in memory. */
  readonly held: ByteBudget;
  /** How many requests are under way. */
  readonly active: { count: number };
};

/** Serves one request of the listener: refused in a fixed order, each refusal with its reason; only the last step sends anything on. */
export async function handleDoorRequest(
  context: DoorContext,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const { limits, log, active } = context;
  const { method = '', url: target = '', httpVersion, headers } = request;
  const refuse = async (refusal: DoorRefusal, route: DoorRoute | null) => {
    log.refused(method, route, refusal);
    await discardBody(request, limits.bodyBytes);
    answer(response, refusal);
  };
  const decision = decideDoor({ method, target, httpVersion, headers });
  if (decision.status === 'refused') return refuse(decision.refusal, null);
  const { route } = decision.admitted;
  if (active.count >= limits.doorRequests) return refuse(busy(limits.doorRequests), route);
  active.count += 1;
  const held = { bytes: 0 };
  try {
    const body = await acceptBody(context, decision.admitted, request, held);
    if (body.status === 'refused') return await refuse(body.refusal, route);
    if (body.status === 'allowed') await forwardToHomeserver(context, decision.admitted, body.body, response);
  } catch (error) {
    log.failed(route, error);
    if (response.headersSent) response.destroy();
    else answer(response, { status: 500, errcode: 'COUNTERSIGN_UNREACHABLE', reason: 'the gateway failed' });
  } finally {
    context.held.give(held.bytes);
    active.count -= 1;
  }
}

type AcceptedBody =
  | { readonly status: 'allowed'; readonly body: Buffer | null }
  | { readonly status: 'refused'; readonly refusal: DoorRefusal }
  | { readonly status: 'gone' };

/** @param held is told what is to be given back when the request has ended */
async function acceptBody(
  { limits, held: budget }: DoorContext,
  { route }: Admitted,
  request: IncomingMessage,
  held: { bytes: number },
): Promise<AcceptedBody> {
  if (route.body === 'none') return { status: 'allowed', body: null };
  const maximumBytes = route.body === 'text' ? limits.doorFileBytes : limits.doorBodyBytes;
  const { outcome, charged } = await readBody(request, maximumBytes, budget);
  held.bytes = charged;
  switch (outcome.status) {
    case 'read':
      return checkDoorBody(route.body, outcome.bytes);
    case 'refused':
      return { status: 'refused', refusal: notAllowed(outcome.refusal.reason, outcome.refusal.status) };
    case 'gone':
      return outcome;
  }
}

function busy(requests: number): DoorRefusal {
  const reason = `${requests} requests are under way at the gateway's door already; try again`;
  return { status: 503, errcode: 'COUNTERSIGN_UNREACHABLE', reason };
}

function answer(response: ServerResponse, refusal: DoorRefusal): void {
  answerRefusal(response, refusal.status, doorErrorBody(refusal));
}
