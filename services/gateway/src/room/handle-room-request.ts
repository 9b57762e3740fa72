import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Post } from '@countersign/contracts/task-room.ts';
import type { Limits } from '../limits.ts';
import { discardBody, readBody } from '../read-body.ts';
import { answerRefusal } from '../refusal.ts';
import type { SlotLog } from '../slot-log.ts';
import { decideRoom, type RoomRequest } from './decide.ts';
import { eventIdOf, syncAnswer } from './matrix-events.ts';
import { readQuestion } from './read-question.ts';
import { exceeded, type RoomRefusal, roomErrorBody } from './refusal.ts';
import type { RoomUsage } from './room-usage.ts';
import type { PostEnd, TaskRoom } from './task-room.ts';

/** What the requests of one slot's room are served with. */
export type RoomContext = {
  readonly room: TaskRoom;
  readonly usage: RoomUsage;
  readonly limits: Limits;
  readonly log: SlotLog;
};

type Served =
  | { readonly ok: true; readonly body: string }
  | { readonly ok: false; readonly refusal: RoomRefusal }
  /** Whoever asked has gone. */
  | null;

/** Serves one request of a sandbox's own Matrix: refused in a fixed order, each refusal with its reason. */
export async function handleRoomRequest(
  context: RoomContext,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const { limits, log, usage } = context;
  const { method = '', url: target = '', httpVersion, headers } = request;
  const refuse = async (refusal: RoomRefusal) => {
    log.refused(method, target, refusal);
    await discardBody(request, limits.roomBodyBytes);
    answerRefusal(response, refusal.status, roomErrorBody(refusal));
  };
  const decision = decideRoom({ method, target, httpVersion, headers }, limits.roomSyncMs);
  if (decision.status === 'refused') return refuse(decision.refusal);
  const full = usage.enter();
  if (full !== null) return refuse(full);
  const gone = new AbortController();
  response.once('close', () => gone.abort());
  try {
    const served = await serve(context, decision.request, request, gone.signal);
    if (served?.ok === false) await refuse(served.refusal);
    else if (served !== null) answer(response, served.body);
  } catch (error) {
    log.failed(decision.request.route, error);
    answerRefusal(response, 500, roomErrorBody({ errcode: 'M_UNKNOWN', reason: 'the gateway failed' }));
  } finally {
    usage.leave();
  }
}

async function serve(
  { room, usage, limits }: RoomContext,
  asked: RoomRequest,
  request: IncomingMessage,
  gone: AbortSignal,
): Promise<Served> {
  if (asked.route === 'sync')
    return { ok: true, body: syncAnswer(await room.read(asked.since, asked.holdMs, gone), asked.since) };
  const { outcome, charged } = await readBody(request, limits.roomBodyBytes, usage.held);
  // A question is small: nothing of its body outlives the reading.
  usage.held.give(charged);
  const spent = usage.addSent(charged);
  if (outcome.status === 'gone') return null;
  if (outcome.status === 'refused')
    return {
      ok: false,
      refusal: { ...outcome.refusal, errcode: outcome.refusal.status === 413 ? 'M_TOO_LARGE' : 'M_UNKNOWN' },
    };
  if (spent !== null) return { ok: false, refusal: spent };
  const read = readQuestion(outcome.bytes);
  if (!read.ok) return read;
  return await put(room, { transaction: asked.transaction, question: read.question }, limits.roomPostMs, gone);
}

async function put(room: TaskRoom, post: Post, holdMs: number, gone: AbortSignal): Promise<Served> {
  const end = await room.post(post, holdMs, gone);
  if (end.status === 'asked') return { ok: true, body: JSON.stringify({ event_id: eventIdOf(end.event) }) };
  return gone.aborted ? null : { ok: false, refusal: refusalOf(end) };
}

function refusalOf(end: Exclude<PostEnd, { status: 'asked' }>): RoomRefusal {
  switch (end.status) {
    case 'refused': {
      const { errcode, reason } = end.refusal;
      return { status: errcode === 'M_FORBIDDEN' ? 403 : 429, errcode, reason };
    }
    case 'full':
      return exceeded('this, or too much else, is being asked already; try again');
    case 'unheard':
      return { status: 504, errcode: 'M_UNKNOWN', reason: 'nobody has taken it yet; send it again as it is' };
  }
}

function answer(response: ServerResponse, body: string): void {
  if (response.destroyed) return;
  response.writeHead(200, {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(body),
    connection: 'close',
  });
  response.end(body);
}
