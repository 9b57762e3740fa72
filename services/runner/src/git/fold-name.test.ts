import { expect, test } from 'vitest';
import { foldName, isGitFolder } from './fold-name.ts';

test.each([
  ['README.md', 'readme.MD'],
  ['straße', 'STRASSE'],
  ['ſ', 's'],
  ['cafe\u0301', 'caf\u00c9'],
  ['a\u200cb', 'ab'],
])('%j and %j are one name somewhere', (one, other) => {
  expect(foldName(one)).toBe(foldName(other));
});

test('names that differ in more stay apart', () => {
  expect(foldName('a.txt')).not.toBe(foldName('b.txt'));
  expect(foldName('a-b')).not.toBe(foldName('a_b'));
});

test.each(['.git', '.GiT', 'git~1', 'GIT~23', '.git ', '.git...', '.g\u200dit', '.git:x', '\ufeff.git', '.ｇｉｔ'])(
  '%j is git’s own folder',
  (name) => {
    expect(isGitFolder(name)).toBe(true);
  },
);

test.each(['.gitignore', '.github', 'git', 'x.git', '.git-blame-ignore-revs', 'git~x', '.gitattributes'])(
  '%j is not',
  (name) => {
    expect(isGitFolder(name)).toBe(false);
  },
);
