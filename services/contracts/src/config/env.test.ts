import { expect, test } from 'vitest';
import { BareOrigin, HostsEnv } from './env.ts';

test.each([
  ['http://mac-studio:11434', 'http://mac-studio:11434'],
  ['http://mac-studio:11434/', 'http://mac-studio:11434'],
  ['HTTP://Mac-Studio:80', 'http://mac-studio'],
  ['https://matrix.example.org:443', 'https://matrix.example.org'],
  ['http://[fd7a:115c:a1e0::1]:8008', 'http://[fd7a:115c:a1e0::1]:8008'],
  // What the URL says is what is connected to, however it was spelt.
  ['http://0x7f.1', 'http://127.0.0.1'],
])('%s is the server %s', (text, origin) => {
  expect(BareOrigin.parse(text)).toBe(origin);
});

test.each([
  'mac-studio',
  'mac-studio:11434',
  '//mac-studio',
  'http://',
  'http:mac-studio',
  'http:\\\\mac-studio',
  'ftp://mac-studio',
  'file:///etc/passwd',
  'unix:/var/run/docker.sock',
  'http://mac-studio/api',
  'http://mac-studio?x',
  'http://mac-studio#x',
  'http://token@mac-studio',
  'http://user:password@mac-studio',
  'http://mac-studio:99999',
  'http://mac studio',
  'http://\u202emac-studio',
])('%j is not scheme, host and port alone', (text) => {
  expect(BareOrigin.safeParse(text).success).toBe(false);
});

test.each([
  ['192.168.1.10', ['192.168.1.10']],
  ['192.168.1.0/24,10.0.0.1', ['192.168.1.0/24', '10.0.0.1']],
  [' fd00::1 , fd00::/8 ', ['fd00::1', 'fd00::/8']],
])('ALLOWED_ADDRESSES=%s', (text, entries) => {
  expect(HostsEnv.parse({ ALLOWED_ADDRESSES: text }).ALLOWED_ADDRESSES).toEqual(entries);
});

test.each([
  ['a name', 'mac-studio'],
  ['everything', '*'],
  ['half an address', '192.168.1'],
  ['octal, which some read as another address', '010.0.0.1'],
  ['a port', '10.0.0.1:8008'],
  ['a mask that is too long', '10.0.0.0/33'],
  ['a mask that is too long', 'fd00::/129'],
  ['no mask', '10.0.0.0/'],
  ['a zone', 'fe80::1%eth0'],
  ['a URL', 'http://10.0.0.1'],
  ['spaces for commas', '10.0.0.1 10.0.0.2'],
])('ALLOWED_ADDRESSES with %s is refused, and which entry it is is told', (_name, entry) => {
  const parsed = HostsEnv.safeParse({ ALLOWED_ADDRESSES: `10.0.0.1,${entry}` });
  expect(parsed.error?.issues).toMatchObject([
    { path: ['ALLOWED_ADDRESSES', 1], message: 'addresses or subnets, separated by commas' },
  ]);
});

test('a comma at the end is an entry that is missing', () => {
  expect(HostsEnv.safeParse({ ALLOWED_ADDRESSES: '10.0.0.1,' }).success).toBe(false);
});

test('a misspelt setting is not passed over', () => {
  expect(HostsEnv.safeParse({ MATRIX_HOMESERVR: 'http://x' }).success).toBe(false);
});
