import { expect, test } from 'vitest';
import { MatrixEventId, MatrixRoomId, MatrixUserId } from './matrix-names.ts';

/** Wrong in any of them: what acts, what splits, what looks like something else, and what is too long. */
const hostile = (good: string) => [
  '',
  ` ${good}`,
  `${good} `,
  `${good}\n`,
  `${good}\r\nX: y`,
  `${good}\0`,
  `${good}\u200b`,
  `${good}\u202e`,
  `${good}\u{e0041}`,
  `x${good}`,
  good.replace('a', 'а'),
  good.replace('a', ' '),
  good.slice(1),
  good + 'x'.repeat(256),
];

test.each([
  [
    'user',
    MatrixUserId,
    ['@a:example.org', '@a.b-c=d/e+f_1:example.org:8448', '@A:[::1]:8448', '@agentbot:countersign.local'],
    [
      '@a',
      '@:example.org',
      '@a:',
      '@a:exa mple',
      '@a:example.org/x',
      '@a:b@c',
      'A',
      '!a:example.org',
      '@a:<b>',
      '@a:"',
    ],
    '@alice:example.org',
  ],
  [
    'room',
    MatrixRoomId,
    ['!a:example.org', '!AbC-_.~1:example.org:8448', '!31hneApxJ_1o-63DmFrpeqnkFfWppnzWso1JvH3ogLM'],
    ['!', '#a:example.org', '@a:example.org', '!a?b:example.org', '!a#b', '!a%2fb', '!a"b', '!<b>', '!a\\b'],
    '!alice:example.org',
  ],
  [
    'event',
    MatrixEventId,
    ['$a', '$143273582443PhrSn:example.org', '$acR1l0raoZnm60CBwAVgqbZqoO/mYU81xysh1u7XcJk'],
    ['$', 'a', '!a', '$ä', '$🙂'],
    '$alice',
  ],
])('a Matrix %s', (_name, schema, good, bad, example) => {
  expect(good.filter((text) => !schema.safeParse(text).success)).toEqual([]);
  expect([...bad, ...hostile(example)].filter((text) => schema.safeParse(text).success)).toEqual([]);
});
