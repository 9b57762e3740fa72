import { AttachedFileName } from '@countersign/contracts/attached-file.ts';
import { queryLimits } from '../limits.ts';
import type { QueryRules } from './query.ts';

/** One line of the door's list. What is sent on is built from it and from the checked parts, never the request's text. */
export type DoorRoute = {
  readonly method: 'GET' | 'POST' | 'PUT';
  /** `{roomId}`, `{txnId}`, `{serverName}` and `{mediaId}` stand for one segment each. */
  readonly path: string;
  readonly query: QueryRules;
  /** Whether every key of the query has to be there. */
  readonly needsQuery?: true;
  /** `text`: the bytes of a file, which nobody on the way looks into; all others are JSON. */
  readonly body: 'none' | 'empty-object' | 'object' | 'text';
};

const client = '/_matrix/client/v3';
const room = `${client}/rooms/{roomId}`;

const anything = () => true;
const wholeNumber = (maximum: number) => (value: string) => /^\d{1,9}$/.test(value) && Number(value) <= maximum;

const sync: QueryRules = { filter: anything, since: anything, timeout: wholeNumber(queryLimits.syncHoldMs) };
const messages: QueryRules = {
  from: anything,
  to: anything,
  dir: (value) => value === 'f' || value === 'b',
  limit: wholeNumber(queryLimits.messages),
  filter: anything,
};
const upload: QueryRules = { filename: (value) => AttachedFileName.safeParse(value).success };

/**
 * What a bot needs that reads one room with the files in it and writes messages, reactions and files of text to it, and the end of its own
 * session, for when its token is replaced. Logging in, other sessions, accounts, devices, other rooms' making, members, powers, state,
 * redactions, keys, administration and federation are not here, nor is anything unknown.
 */
export const doorRoutes: readonly DoorRoute[] = [
  { method: 'GET', path: '/_matrix/client/versions', query: {}, body: 'none' },
  { method: 'GET', path: `${client}/account/whoami`, query: {}, body: 'none' },
  { method: 'POST', path: `${client}/logout`, query: {}, body: 'empty-object' },
  { method: 'GET', path: `${client}/joined_rooms`, query: {}, body: 'none' },
  { method: 'GET', path: `${client}/sync`, query: sync, body: 'none' },
  { method: 'POST', path: `${room}/join`, query: {}, body: 'empty-object' },
  { method: 'GET', path: `${room}/messages`, query: messages, body: 'none' },
  { method: 'GET', path: `${room}/state/m.room.encryption`, query: {}, body: 'none' },
  { method: 'GET', path: `${room}/state/m.room.encryption/`, query: {}, body: 'none' },
  { method: 'PUT', path: `${room}/send/m.room.message/{txnId}`, query: {}, body: 'object' },
  { method: 'PUT', path: `${room}/send/m.reaction/{txnId}`, query: {}, body: 'object' },
  { method: 'GET', path: '/_matrix/client/v1/media/download/{serverName}/{mediaId}', query: {}, body: 'none' },
  { method: 'POST', path: '/_matrix/media/v3/upload', query: upload, needsQuery: true, body: 'text' },
];
