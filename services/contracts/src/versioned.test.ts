import { expect, test } from 'vitest';
import { z } from 'zod';
import { versioned } from './versioned.ts';

const Thing = versioned(z.strictObject({ version: z.literal(3), name: z.string(), size: z.int() }), 3, {
  1: ({ title, ...rest }) => ({ ...rest, name: title }),
  2: (thing) => ({ ...thing, size: 0 }),
});
const now = { version: 3, name: 'x', size: 5 };

test('what this version wrote is taken as it is', () => {
  expect(Thing.parse(now)).toEqual(now);
});

test('older ones are brought up to date, one version after the other, and the given value stays as it is', () => {
  const first = { version: 1, title: 'x' };
  expect(Thing.parse(first)).toEqual({ version: 3, name: 'x', size: 0 });
  expect(Thing.parse({ version: 2, name: 'x' })).toEqual({ version: 3, name: 'x', size: 0 });
  expect(first).toEqual({ version: 1, title: 'x' });
});

test.each([4, 1_000_000, Number.MAX_VALUE])(
  'version %d is refused in words, before anything else of it is looked at',
  (version) => {
    const refused = Thing.safeParse({ version, whatever: true });
    expect(refused.success).toBe(false);
    expect(refused.error?.issues.map(({ message }) => message)).toEqual([
      `version ${version} was written by a newer Countersign than this one, which knows 3`,
    ]);
  },
);

test.each([0, -1, 1.5, '3', null, Number.NaN])('a version of %j is none that anybody wrote', (version) => {
  expect(Thing.safeParse({ ...now, version }).success).toBe(false);
});

test.each([null, 'text', 5, [], { name: 'x', size: 5 }])('%j without a version is refused', (value) => {
  expect(Thing.safeParse(value).success).toBe(false);
});

test('an older one that is damaged is refused after it was brought up to date', () => {
  expect(Thing.safeParse({ version: 1, title: 5 }).success).toBe(false);
  expect(Thing.safeParse({ version: 1, title: 'x', more: true }).success).toBe(false);
});
