import { expect, test } from 'vitest';
import { type Facts, fileRule, fileRules, isDamaged, type Sight } from './reconcile-rules.ts';

const sights: readonly Sight[] = ['accepted', 'damaged', 'other', 'missing'];
const yesOrNo = [true, false];
const all: Facts[] = sights.flatMap((target) =>
  sights.flatMap((source) =>
    yesOrNo.flatMap((elsewhere) =>
      yesOrNo.flatMap((unfinished) => yesOrNo.map((ended) => ({ target, source, elsewhere, unfinished, ended }))),
    ),
  ),
);

/** What is on disk when the action was carried out, and the record written. */
function after(facts: Facts): Facts {
  const settled = { ...facts, unfinished: false };
  switch (fileRule(facts).action) {
    case 'leave':
      return settled;
    case 'move':
    case 'move-over':
    case 'move-beside':
      return { ...settled, target: facts.source, source: 'missing' };
    case 'fetch':
      return { ...settled, target: 'accepted', elsewhere: false, source: rest(facts.source) };
    case 'remove-source':
      return { ...settled, source: 'missing' };
    case 'restore':
      return { ...settled, target: 'accepted', source: rest(facts.source) };
  }
}

function rest(source: Sight): Sight {
  return source === 'damaged' ? 'missing' : source;
}

test('F20 for everything that can be found there is one rule, and every rule has its case', () => {
  const used = new Set(all.map((facts) => fileRule(facts).name));
  expect(used).toEqual(new Set(fileRules.map(({ name }) => name)));
  expect(new Set(fileRules.map(({ name }) => name)).size).toBe(fileRules.length);
});

test('F20 what was mended needs no mending', () => {
  for (const facts of all) expect(fileRule(after(facts)).action, JSON.stringify(facts)).toBe('leave');
});

test('F19 bytes that were not accepted are never removed or written over', () => {
  for (const facts of all) {
    const { action } = fileRule(facts);
    if (facts.source === 'other') expect(['leave', 'move', 'move-over', 'fetch', 'restore']).toContain(action);
    if (facts.target === 'other') expect(['leave', 'move-beside']).toContain(action);
  }
});

test('an open task whose change was not finished has its file again, whatever is left of it', () => {
  for (const facts of all) {
    if (!facts.unfinished || facts.ended || facts.source === 'other') continue;
    expect(after(facts).target, JSON.stringify(facts)).not.toBe('missing');
    expect(after(facts).target, JSON.stringify(facts)).not.toBe('damaged');
  }
});

const accepted = Buffer.from(`workspace: project\n\n${'words '.repeat(2_000)}`);

test.each<[string, Buffer, boolean]>([
  ['nothing', Buffer.alloc(0), true],
  ['a whole block of its beginning', accepted.subarray(0, 4_096), true],
  ['two whole blocks', accepted.subarray(0, 8_192), true],
  ['NULs of its length', Buffer.alloc(accepted.length), true],
  ['a block, and then NULs', Buffer.concat([accepted.subarray(0, 4_096), Buffer.alloc(4_096)]), true],
  ['itself', accepted, false],
  ['a beginning that an editor leaves', accepted.subarray(0, 5_000), false],
  ['a block of something else', Buffer.alloc(4_096, 'x'), false],
  ['NULs and something after them', Buffer.concat([Buffer.alloc(10), Buffer.from('x')]), false],
  ['more NULs than it had bytes', Buffer.alloc(accepted.length + 1), false],
])('F17 %s counts as damaged: %s', (_name, bytes, expected) => {
  expect(isDamaged(bytes, accepted)).toBe(expected);
});

test('F17 an empty file is not damaged where nothing was accepted', () => {
  expect(isDamaged(Buffer.alloc(0), Buffer.alloc(0))).toBe(false);
});
