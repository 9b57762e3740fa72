import { expect, test } from 'vitest';
import { makeRecord, states } from '../testing/record.ts';
import { dependencyHold, findCircle } from './dependency-hold.ts';

const waiting = (...needed: string[]) => makeRecord({ id: 'last', depends_on: needed });
const among =
  (...records: ReturnType<typeof makeRecord>[]) =>
  (id: string) =>
    records.find((record) => record.id === id);

test('a task begins when everything that it depends on is done', () => {
  const find = among(makeRecord({ id: 'one', state: states.done }), makeRecord({ id: 'two', state: states.done }));
  expect(dependencyHold(waiting('one', 'two'), find)).toBeNull();
  expect(dependencyHold(waiting(), find)).toBeNull();
});

test('it waits for the others by name, and says how far they are', () => {
  const find = among(
    makeRecord({ id: 'one', state: states.done }),
    makeRecord({ id: 'two', state: states.review }),
    makeRecord({ id: 'three', state: states.failed }),
  );
  expect(dependencyHold(waiting('one', 'two', 'three', 'four'), find)).toEqual({
    wait: { kind: 'dependency', on: ['two', 'three', 'four'] },
    reason:
      'waits for two, which is review, three, which is failed: it goes on when that one is done after all, four, which nobody has dropped yet',
  });
});

test('what was begun goes on, whatever becomes of the others', () => {
  const begun = makeRecord({ depends_on: ['one'], state: states.approved });
  expect(dependencyHold(begun, among())).toBeNull();
});

test('tasks that would wait for each other are found, with the way', () => {
  const find = (id: string) => ({ one: { depends_on: ['two'] }, two: { depends_on: ['last'] } })[id];
  expect(findCircle('last', ['one'], find)).toEqual(['last', 'one', 'two', 'last']);
  expect(findCircle('last', ['last'], find)).toEqual(['last', 'last']);
  expect(findCircle('other', ['one'], find)).toBeNull();
  expect(findCircle(undefined, ['one'], find)).toBeNull();
});

test('a circle among others does not keep the search going for ever', () => {
  const find = (id: string) => ({ one: { depends_on: ['two'] }, two: { depends_on: ['one'] } })[id];
  expect(findCircle('last', ['one', 'two'], find)).toBeNull();
});
