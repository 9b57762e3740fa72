import { describe, expect, test } from 'vitest';
import { decideDoor } from './decide.ts';

function decide(method: string, target: string) {
  return decideDoor({ method, target, httpVersion: '1.1', headers: {} });
}

function isAllowed(method: string, target: string): boolean {
  return decide(method, target).status === 'allowed';
}

const v3 = '/_matrix/client/v3';
const roomId = '!VNIyqOmZBgpSUwBaut:countersign.local';
const room = `${v3}/rooms/${encodeURIComponent(roomId)}`;

const file = 'filename=e67dw-demo.patch';

/** Everything but the exact line. */
const refused: readonly (readonly [string, string, string])[] = [
  // another method
  ['S038', 'POST', '/_matrix/client/versions'],
  ['S038', 'HEAD', '/_matrix/client/versions'],
  ['S038', 'get', '/_matrix/client/versions'],
  ['S038', '', '/_matrix/client/versions'],
  ['S038', 'POST', `${v3}/account/whoami`],
  ['S038', 'DELETE', `${v3}/joined_rooms`],
  ['S038', 'POST', `${v3}/sync`],
  ['S038', 'PUT', `${room}/join`],
  ['S038', 'GET', `${room}/join`],
  ['S038', 'POST', `${room}/messages`],
  ['S038', 'PUT', `${room}/state/m.room.encryption`],
  ['S038', 'PUT', `${room}/state/m.room.encryption/`],
  ['S038', 'POST', `${room}/send/m.room.message/t1`],
  ['S038', 'GET', `${room}/send/m.room.message/t1`],
  ['S038', 'OPTIONS', `${room}/send/m.room.message/t1`],
  // other routes of the client API
  ['S038', 'POST', `${v3}/register`],
  ['S038', 'GET', `${v3}/register/available?username=x`],
  ['S038', 'POST', `${v3}/login`],
  ['S038', 'GET', `${v3}/login`],
  ['S038', 'POST', `${v3}/refresh`],
  ['S038', 'GET', `${v3}/logout`],
  ['S038', 'POST', `${v3}/logout/`],
  ['S038', 'POST', `${v3}/logout?x=y`],
  ['S038', 'POST', `${v3}/logout/all`],
  ['S038', 'POST', `${v3}/account/password`],
  ['S038', 'POST', `${v3}/account/deactivate`],
  ['S038', 'GET', `${v3}/account/3pid`],
  ['S038', 'GET', `${v3}/devices`],
  ['S038', 'POST', `${v3}/createRoom`],
  ['S038', 'POST', `${v3}/join/${encodeURIComponent(roomId)}`],
  ['S038', 'POST', `${v3}/join/%23alias:server`],
  ['S038', 'POST', `${room}/invite`],
  ['S038', 'POST', `${room}/kick`],
  ['S038', 'POST', `${room}/ban`],
  ['S038', 'POST', `${room}/unban`],
  ['S038', 'POST', `${room}/leave`],
  ['S038', 'POST', `${room}/forget`],
  ['S038', 'POST', `${room}/upgrade`],
  ['S038', 'POST', `${room}/receipt/m.read/$e`],
  ['S038', 'POST', `${room}/read_markers`],
  ['S038', 'PUT', `${room}/typing/@bot:s`],
  ['S038', 'GET', `${room}/members`],
  ['S038', 'GET', `${room}/joined_members`],
  ['S038', 'GET', `${room}/event/$e`],
  ['S038', 'GET', `${room}/context/$e`],
  ['S038', 'GET', `${room}/state`],
  ['S038', 'GET', `${room}/state/m.room.power_levels`],
  ['S038', 'PUT', `${room}/state/m.room.power_levels`],
  ['S038', 'PUT', `${room}/state/m.room.name/`],
  ['S038', 'GET', `${room}/state/m.room.encryption/x`],
  ['S038', 'PUT', `${room}/send/m.reactions/t1`],
  ['S038', 'POST', `${room}/send/m.reaction/t1`],
  ['S038', 'PUT', `${room}/send/m.reaction/t1/x`],
  ['S038', 'PUT', `${room}/send/m.room.encrypted/t1`],
  ['S038', 'PUT', `${room}/send/m.room.redaction/t1`],
  ['S038', 'PUT', `${room}/redact/$e/t1`],
  ['S038', 'GET', `${v3}/profile/@bot:s`],
  ['S038', 'PUT', `${v3}/profile/@bot:s/displayname`],
  ['S038', 'PUT', `${v3}/profile/@bot:s/avatar_url`],
  ['S038', 'PUT', `${v3}/presence/@bot:s/status`],
  ['S038', 'POST', `${v3}/user/@bot:s/filter`],
  ['S038', 'PUT', `${v3}/user/@bot:s/account_data/x`],
  ['S038', 'PUT', `${v3}/sendToDevice/m.x/t1`],
  ['S038', 'POST', `${v3}/keys/upload`],
  ['S038', 'POST', `${v3}/keys/query`],
  ['S038', 'POST', `${v3}/keys/claim`],
  ['S038', 'POST', `${v3}/keys/device_signing/upload`],
  ['S038', 'GET', `${v3}/room_keys/version`],
  ['S038', 'GET', `${v3}/pushers`],
  ['S038', 'POST', `${v3}/pushers/set`],
  ['S038', 'PUT', `${v3}/pushrules/global/override/x`],
  ['S038', 'PUT', `${v3}/directory/room/%23a:s`],
  ['S038', 'GET', `${v3}/publicRooms`],
  ['S038', 'POST', `${v3}/search`],
  ['S038', 'POST', `${v3}/user_directory/search`],
  ['S038', 'GET', `${v3}/voip/turnServer`],
  ['S038', 'GET', `${v3}/capabilities`],
  ['S038', 'GET', `${v3}/events`],
  ['S038', 'POST', '/_matrix/client/v1/media/download/s/m'],
  ['S038', 'GET', '/_matrix/client/v1/media/download/s/m/name.md'],
  ['S038', 'GET', '/_matrix/client/v1/media/download/s/m?allow_redirect=true'],
  ['S038', 'GET', '/_matrix/client/v1/media/download/s/'],
  ['S038', 'GET', '/_matrix/client/v1/media/download//m'],
  ['S038', 'GET', '/_matrix/client/v1/media/download/../m'],
  ['S038', 'GET', '/_matrix/client/v1/media/download/a..b/m'],
  ['S038', 'GET', '/_matrix/client/v1/media/download/s%2Fx/m'],
  ['S038', 'GET', '/_matrix/client/v1/media/download/s:x/m'],
  ['S038', 'GET', '/_matrix/client/v1/media/download/%5B::1%5D/m'],
  ['S038', 'GET', '/_matrix/client/v1/media/download/user@s/m'],
  ['S038', 'GET', '/_matrix/client/v1/media/download/s/m.md'],
  ['S038', 'GET', '/_matrix/client/v1/media/download/s/..'],
  ['S038', 'GET', '/_matrix/client/v1/media/download/s/m%2F..'],
  ['S038', 'GET', `/_matrix/client/v1/media/download/s/${'m'.repeat(256)}`],
  ['S038', 'GET', '/_matrix/client/v1/media/thumbnail/s/m'],
  ['S038', 'GET', '/_matrix/client/v1/media/config'],
  ['S038', 'GET', '/_matrix/client/v1/media/preview_url?url=http://169.254.169.254/'],
  ['S038', 'POST', '/_matrix/media/v3/upload'],
  ['S038', 'POST', `/_matrix/media/v3/upload?${file}`],
  ['S038', 'POST', '/_matrix/media/v1/create'],
  ['S038', 'GET', '/_matrix/media/v3/config'],
  ['S038', 'GET', '/_matrix/client/v1/media/config'],
  ['S038', 'GET', '/_matrix/media/v3/download/s/m'],
  ['S038', 'GET', '/_matrix/media/v3/preview_url?url=http://x/'],
  ['S038', 'GET', '/_matrix/federation/v1/version'],
  ['S038', 'PUT', '/_matrix/federation/v1/send/t1'],
  ['S038', 'GET', '/_matrix/key/v2/server'],
  ['S038', 'GET', '/_synapse/admin/v1/server_version'],
  ['S038', 'GET', '/_synapse/admin/v2/users'],
  ['S038', 'POST', '/_synapse/admin/v1/register'],
  ['S038', 'GET', '/_synapse/client/x'],
  ['S038', 'GET', '/.well-known/matrix/client'],
  ['S038', 'GET', '/health'],
  ['S038', 'GET', '/'],
  ['S038', 'GET', ''],
  // other versions and prefixes
  ['S038', 'GET', '/_matrix/client/r0/account/whoami'],
  ['S038', 'GET', '/_matrix/client/v1/account/whoami'],
  ['S038', 'GET', '/_matrix/client/v3/versions'],
  ['S038', 'GET', '/_matrix/client/unstable/org.matrix.simplified_msc3575/sync'],
  ['S038', 'POST', '/_matrix/client/unstable/org.matrix.simplified_msc3575/sync'],
  ['S038', 'GET', '/_matrix/client/api/v1/sync'],
  // the path, spelt otherwise
  ['S033', 'GET', '/_matrix/client/versions/'],
  ['S033', 'GET', '/_matrix/client/versions?'],
  ['S033', 'GET', '/_matrix/client/versions?x=y'],
  ['S033', 'GET', '/_matrix/client/versions#x'],
  ['S033', 'GET', '/_matrix/client/Versions'],
  ['S033', 'GET', '/_matrix/client/version%73'],
  ['S033', 'GET', '/_matrix//client/versions'],
  ['S033', 'GET', '//_matrix/client/versions'],
  ['S033', 'GET', '/_matrix/./client/versions'],
  ['S033', 'GET', '/_matrix/x/../client/versions'],
  ['S033', 'GET', '/_matrix/client/v3/%2e%2e/versions'],
  ['S033', 'GET', '/_matrix%2Fclient/versions'],
  ['S033', 'GET', '/_matrix/client/versions%00'],
  ['S033', 'GET', '/_matrix/client/versions;x=y'],
  ['S033', 'GET', '/_matrix\\client\\versions'],
  ['S033', 'GET', ' /_matrix/client/versions'],
  ['S033', 'GET', '_matrix/client/versions'],
  ['S033', 'GET', `${v3}/account/whoami/`],
  ['S033', 'GET', `${v3}/sync/`],
  ['S033', 'POST', `${room}/join/`],
  ['S033', 'GET', `${room}/messages/`],
  ['S033', 'GET', `${room}/state/m.room.encryption//`],
  ['S033', 'GET', `${room}/state/m%2eroom%2eencryption`],
  ['S033', 'PUT', `${room}/send/m%2Eroom.message/t1`],
  ['S033', 'PUT', `${room}/send/m.room.message/`],
  ['S033', 'PUT', `${room}/send/m.room.message`],
  ['S033', 'PUT', `${room}/send/m.room.message/t1/`],
  ['S033', 'PUT', `${room}/send/m.room.message/t1/../../../state/m.room.power_levels`],
  ['S033', 'PUT', `${room}/send/m.room.message//t1`],
  // S030, S031: a target that is no path
  ['S030', 'GET', 'http://evil/_matrix/client/versions'],
  ['S030', 'GET', '//evil/_matrix/client/versions'],
  ['S030', 'CONNECT', 'homeserver:8008'],
  ['S030', 'OPTIONS', '*'],
  ['S031', 'GET', '@evil/_matrix/client/versions'],
  ['S031', 'GET', 'http://homeserver:8008@evil/_matrix/client/versions'],
];

/** The same of a file that calls itself what a file has to. */
const upload: readonly (readonly [string, string, string])[] = [
  ['S038', 'PUT', `/_matrix/media/v3/upload?${file}`],
  ['S038', 'GET', `/_matrix/media/v3/upload?${file}`],
  ['S038', 'PUT', `/_matrix/media/v3/upload/countersign.local/aGVsbG8?${file}`],
  ['S038', 'POST', `/_matrix/media/v3/upload/countersign.local/aGVsbG8?${file}`],
  ['S038', 'POST', `/_matrix/media/v1/upload?${file}`],
  ['S038', 'POST', `/_matrix/media/r0/upload?${file}`],
  ['S038', 'POST', `/_matrix/client/v3/upload?${file}`],
  ['S038', 'POST', `/_matrix/client/v1/media/upload?${file}`],
  ['S033', 'POST', `/_matrix/media/v3/upload/?${file}`],
  ['S033', 'POST', `/_matrix/media/v3//upload?${file}`],
  ['S033', 'POST', `/_matrix/media/v3/uploa%64?${file}`],
  ['S033', 'POST', `/_matrix/media/v3/x/../upload?${file}`],
  ['S033', 'POST', `/_matrix/media/v3/upload;x?${file}`],
  ['S033', 'POST', `/_matrix/media/v3/upload?${file}#x`],
  ['S033', 'POST', '/_matrix/media/v3/upload'],
];

test.each(upload)('%s: a file by %s %j is refused', (_id, method, target) => {
  const headers = { 'content-type': 'text/plain; charset=utf-8', 'content-length': '1' };
  expect(decideDoor({ method, target, httpVersion: '1.1', headers })).toMatchObject({ status: 'refused' });
});

test.each(refused)('%s: %s %j is refused', (_id, method, target) => {
  expect(decide(method, target)).toMatchObject({
    status: 'refused',
    refusal: { status: 403, errcode: 'COUNTERSIGN_NOT_ALLOWED' },
  });
});

describe('S033: a room that is none', () => {
  test.each([
    '',
    '.',
    '..',
    '%2e%2e',
    '!',
    '!a%2Fb:s',
    '!a%2fb:s',
    '!a%252Fb:s',
    '%2521a:s',
    '#alias:s',
    '%23alias:s',
    '@user:s',
    '$event',
    'a:s',
    '!a%00:s',
    '!a%0d%0ax:s',
    '!a%20b:s',
    '!a b:s',
    '!a%c3%a9:s',
    '!a%ff:s',
    '!a%:s',
    '!a%2:s',
    '!a%zz:s',
    '!a\u00e9:s',
    '!a;x:s',
    '!a?x',
    '!a#x',
    '!a\\x:s',
    '!a{x}:s',
    '!a"x:s',
    '{roomId}',
    `!${'a'.repeat(255)}`,
    `!${'%61'.repeat(255)}`,
  ])('%j', (segment) => {
    expect(isAllowed('POST', `${v3}/rooms/${segment}/join`)).toBe(false);
    expect(isAllowed('PUT', `${v3}/rooms/${segment}/send/m.room.message/t1`)).toBe(false);
  });
});

test.each(['a.b', 'a~b', 'a:b', 'a$b', '%61', 'a%2Fb', '..', 'a b', 'é', '{txnId}', 'a'.repeat(129)])(
  'S033: a transaction that is none: %j',
  (transaction) => {
    expect(isAllowed('PUT', `${room}/send/m.room.message/${transaction}`)).toBe(false);
  },
);
