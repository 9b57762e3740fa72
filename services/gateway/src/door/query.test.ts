import { describe, expect, test } from 'vitest';
import { decideDoor } from './decide.ts';

function decide(method: string, target: string) {
  return decideDoor({ method, target, httpVersion: '1.1', headers: {} });
}

function isAllowed(method: string, target: string): boolean {
  return decide(method, target).status === 'allowed';
}

const v3 = '/_matrix/client/v3';
const room = `${v3}/rooms/!abc%3Aserver`;

describe('queries', () => {
  test.each([
    ['empty', ''],
    ['a key alone', 'since'],
    ['no value', 'since='],
    ['an unknown key', 'full_state=true'],
    ['presence', 'set_presence=online'],
    ['A30 a token', 'access_token=syt_secret'],
    ['A30 a token behind what is known', 'timeout=1&access_token=syt_secret'],
    ['A30 a token, encoded', 'access%5Ftoken=syt_secret'],
    ['A30 a token in capitals', 'ACCESS_TOKEN=syt_secret'],
    ['another user', 'user_id=@x:s'],
    ['__proto__', '__proto__=x'],
    ['constructor', 'constructor=x'],
    ['a key twice', 'since=a&since=b'],
    ['a key twice, equal', 'timeout=1&timeout=1'],
    ['a key twice, once encoded', 'since=a&sinc%65=b'],
    ['an empty part', 'since=a&'],
    ['an empty part in front', '&since=a'],
    ['two question marks', '?since=a'],
    ['another separator', 'since=a;timeout=1'],
    ['a fragment', 'since=a#b'],
    ['a bare blank', 'since=a b'],
    ['a bare slash', 'since=a/b'],
    ['a second equals sign', 'since=a=b'],
    ['a NUL', 'since=a%00'],
    ['a line break', 'since=a%0d%0aHost:%20evil'],
    ['a control character of Unicode', 'since=%c2%85'],
    ['bytes that are no text', 'since=%ff'],
    ['half an escape', 'since=a%2'],
    ['a letter that is not encoded', 'since=\u00e9'],
    ['too long a value', `since=${'a'.repeat(2_049)}`],
    ['too long a wait', 'timeout=60001'],
    ['a far too long wait', 'timeout=99999999999999999999'],
    ['a negative wait', 'timeout=-1'],
    ['a wait that is no number', 'timeout=soon'],
    ['a wait in hexadecimal', 'timeout=0x10'],
    ['a wait with a point', 'timeout=1.5'],
    ['a wait with a blank', 'timeout=+1'],
  ])('a sync with %s is refused', (_what, query) => {
    expect(decide('GET', `${v3}/sync?${query}`)).toMatchObject({ status: 'refused', refusal: { status: 403 } });
  });

  test.each(['dir=x', 'dir=F', 'limit=1001', 'limit=-1', 'limit=a', 'since=a', 'at=a', 'filter=a&filter=b', 'from='])(
    'messages with %s are refused',
    (query) => {
      expect(isAllowed('GET', `${room}/messages?${query}`)).toBe(false);
    },
  );

  test.each([
    ['GET', `${v3}/joined_rooms`],
    ['GET', `${v3}/account/whoami`],
    ['POST', `${room}/join`],
    ['GET', `${room}/state/m.room.encryption`],
    ['PUT', `${room}/send/m.room.message/t1`],
  ])('%s %s has none', (method, target) => {
    for (const query of ['', 'via=evil', 'server_name=evil', 'user_id=@x:s', 'ts=1', 'access_token=x', 'timeout=1']) {
      expect(isAllowed(method, `${target}?${query}`)).toBe(false);
    }
  });

  test('A30 a refusal names no value, and no key but those of the list', () => {
    for (const query of ['access_token=syt_secret', 'syt_secret=x', 'timeout=syt_secret', 'since=a&since=syt_secret']) {
      expect(JSON.stringify(decide('GET', `${v3}/sync?${query}`))).not.toContain('syt_secret');
    }
  });
});
