import { expect, test } from 'vitest';
import { ModelKind } from './gateway-api.ts';
import { describeModel } from './model-text.ts';

test('every kind of model has words for people, and the stand-in is called none', () => {
  for (const kind of ModelKind.options) expect(describeModel({ kind, name: 'm' })).toMatch(/^m \(the .{5,}\)$/);
  expect(describeModel({ kind: 'rehearsal', name: 'm' })).toContain('no language model');
});

test('a kind that is not known stands as it is', () => {
  expect(describeModel({ kind: 'constructor', name: 'm' })).toBe('m (constructor)');
});
