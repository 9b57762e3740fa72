import { TransactionId } from '@countersign/contracts/question.ts';
import { taskRoom } from '@countersign/contracts/task-room.ts';
import { matchPath } from '../door/path.ts';
import { type QueryRules, readQuery } from '../door/query.ts';
import { announcesBody, type RequestHead, refuseHead } from '../request-head.ts';
import { type RoomRefusal, unrecognized } from './refusal.ts';

/** What a request of a task's room asks for. */
export type RoomRequest =
  | { readonly route: 'send'; readonly transaction: TransactionId }
  /** @property since how many events are known already. @property holdMs for how long an answer may be waited for */
  | { readonly route: 'sync'; readonly since: number; readonly holdMs: number };

type Decision =
  | { readonly status: 'allowed'; readonly request: RoomRequest }
  | { readonly status: 'refused'; readonly refusal: RoomRefusal };

const client = '/_matrix/client/v3';
const sendPath = `${client}/rooms/{roomId}/send/m.room.message/{txnId}`;
const sendHead = `${client}/rooms/${encodeURIComponent(taskRoom)}/send/m.room.message/`;
const syncPath = `${client}/sync`;

/** A position in the room: how many of its events lie before it. */
const position = /^s(\d{1,4})$/;
const syncQuery: QueryRules = {
  since: (value) => position.test(value),
  timeout: (value) => /^\d{1,9}$/.test(value),
};

/**
 * What a request is, from its head alone: refused in a fixed order, and only the two last lines allow.
 * @param mostHoldMs a longer wait is cut to it
 */
export function decideRoom(head: RequestHead, mostHoldMs: number): Decision {
  const problem = refuseHead(head);
  if (problem !== null) return refuse(unrecognized(problem));
  const mark = head.target.indexOf('?');
  const path = mark === -1 ? head.target : head.target.slice(0, mark);
  const query = mark === -1 ? null : head.target.slice(mark + 1);
  if (head.method === 'PUT') return decideSend(path, query);
  if (head.method !== 'GET' || path !== syncPath) return refuse(notHere);
  if (announcesBody(head.headers)) return refuse(unrecognized('this route takes no body'));
  const read = query === null ? null : readQuery(query, syncQuery);
  if (read?.ok === false) return refuse(unrecognized(read.reason));
  const [, since = '0'] = position.exec(read?.values.get('since') ?? '') ?? [];
  const holdMs = Math.min(Number(read?.values.get('timeout') ?? 0), mostHoldMs);
  return { status: 'allowed', request: { route: 'sync', since: Number(since), holdMs } };
}

function decideSend(path: string, query: string | null): Decision {
  // Written anew from its parts: one spelling of the one room is left.
  const written = matchPath(sendPath, path);
  if (written === null || query !== null) return refuse(notHere);
  if (!written.startsWith(sendHead))
    return refuse({ status: 403, errcode: 'M_FORBIDDEN', reason: `the only room here is ${taskRoom}` });
  const transaction = TransactionId.safeParse(written.slice(sendHead.length));
  if (!transaction.success) return refuse(unrecognized('a transaction id is 1 to 64 of A-Z, a-z, 0-9, _ and -'));
  return { status: 'allowed', request: { route: 'send', transaction: transaction.data } };
}

const notHere = unrecognized('there are two routes here: send a message, and sync', 404);

function refuse(refusal: RoomRefusal): Decision {
  return { status: 'refused', refusal };
}
