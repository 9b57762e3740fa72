import { expect, test } from 'vitest';
import { fileMessage, MediaAddress } from './file-message.ts';

test('a file says its name, its size and where it is, calls nobody, and stands in the thread', () => {
  expect(fileMessage('e67dw-demo.patch', 12, 'mxc://s/m', '$root')).toEqual({
    msgtype: 'm.file',
    body: 'e67dw-demo.patch',
    filename: 'e67dw-demo.patch',
    info: { mimetype: 'text/plain', size: 12 },
    url: 'mxc://s/m',
    'm.mentions': {},
    'm.relates_to': {
      rel_type: 'm.thread',
      event_id: '$root',
      is_falling_back: true,
      'm.in_reply_to': { event_id: '$root' },
    },
  });
});

test.each(['mxc://countersign.local/QWERTYasdf', 'mxc://s:8448/a_b-c', 'mxc://[::1]:80/x'])(
  'an address: %s',
  (address) => {
    expect(MediaAddress.safeParse(address).success).toBe(true);
  },
);

test.each([
  '',
  'https://evil/x',
  'mxc://',
  'mxc://s',
  'mxc://s/',
  'mxc://s/a/b',
  'mxc://s/../x',
  'mxc://s/a?b',
  'mxc://s/a#b',
  'mxc://s/a"b',
  'mxc://s/a\n',
  'MXC://s/a',
  'javascript:alert(1)',
  `mxc://s/${'a'.repeat(256)}`,
])('none: %j', (address) => {
  expect(MediaAddress.safeParse(address).success).toBe(false);
});
