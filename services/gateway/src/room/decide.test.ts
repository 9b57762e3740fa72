import { expect, test } from 'vitest';
import type { RequestHead } from '../request-head.ts';
import { decideRoom } from './decide.ts';

const room = '/_matrix/client/v3/rooms/!task:countersign/send/m.room.message';

function decide(method: string, target: string, change: Partial<RequestHead> = {}) {
  return decideRoom({ method, target, httpVersion: '1.1', headers: {}, ...change }, 60_000);
}

test.each([
  [`${room}/txn-1_A`, 'txn-1_A'],
  [`${room.replace('!task:countersign', '%21task%3Acountersign')}/1`, '1'],
])('PUT %s sends a message', (target, transaction) => {
  expect(decide('PUT', target)).toEqual({ status: 'allowed', request: { route: 'send', transaction } });
});

test.each([
  ['', 0, 0],
  ['?timeout=500', 0, 500],
  ['?since=s3&timeout=30000', 3, 30_000],
  ['?timeout=999999999', 0, 60_000],
])('GET /sync%s reads', (query, since, holdMs) => {
  const target = `/_matrix/client/v3/sync${query}`;
  expect(decide('GET', target)).toEqual({ status: 'allowed', request: { route: 'sync', since, holdMs } });
});

test.each([
  ['GET', `${room}/1`],
  ['POST', `${room}/1`],
  ['DELETE', `${room}/1`],
  ['PUT', room],
  ['PUT', `${room}/`],
  ['PUT', `${room}/a b`],
  ['PUT', `${room}/${'x'.repeat(65)}`],
  ['PUT', `${room}/a%2Fb`],
  ['PUT', `${room}/1?ts=1`],
  ['PUT', `${room}/1/`],
  ['PUT', `/${room}/1`],
  ['PUT', `${room.replace('v3', 'r0')}/1`],
  ['PUT', `${room.replace('m.room.message', 'm.reaction')}/1`],
  ['PUT', `${room.replace('m.room.message', 'm.room.power_levels')}/1`],
  ['PUT', `${room.replace('countersign', 'elsewhere')}/1`],
  ['PUT', `${room.replace('!task:countersign', '..')}/1`],
  ['PUT', `http://synapse:8008${room}/1`],
  ['GET', '/_matrix/client/v3/sync?filter=%7B%7D'],
  ['GET', '/_matrix/client/v3/sync?access_token=x'],
  ['GET', '/_matrix/client/v3/sync?since=3'],
  ['GET', '/_matrix/client/v3/sync?since=s-1'],
  ['GET', '/_matrix/client/v3/sync?timeout=1&timeout=2'],
  ['GET', '/_matrix/client/v3/sync?'],
  ['GET', '/_matrix/client/v3/sync/'],
  ['GET', '/_matrix/client/v3/joined_rooms'],
  ['GET', '/_matrix/client/v3/account/whoami'],
  ['GET', '/_matrix/client/v3/rooms/!task:countersign/messages'],
  ['GET', '/_synapse/admin/v1/register'],
  ['POST', '/_matrix/client/v3/register'],
  ['POST', '/_matrix/client/v3/login'],
  ['POST', '/_matrix/client/v3/rooms/!task:countersign/join'],
  ['PUT', '/_matrix/client/v3/profile/@bot:countersign/displayname'],
  ['POST', '/_matrix/media/v3/upload'],
  ['GET', '/_matrix/client/v1/media/download/countersign/m'],
  ['GET', '/_matrix/client/v1/media/preview_url?url=http://169.254.169.254/'],
  ['GET', '/_matrix/federation/v1/version'],
  ['GET', '/_matrix/key/v2/server'],
  ['GET', '/'],
])('S038 %s %s is refused', (method, target) => {
  expect(decide(method, target).status).toBe('refused');
});

test('a head that could be read in two ways is refused, and so is a body where none belongs', () => {
  const sync = '/_matrix/client/v3/sync';
  expect(decide('GET', sync, { headers: { upgrade: 'websocket' } }).status).toBe('refused');
  expect(decide('GET', sync, { headers: { 'content-length': '2' } }).status).toBe('refused');
  expect(decide('GET', sync, { httpVersion: '1.0' }).status).toBe('refused');
});
