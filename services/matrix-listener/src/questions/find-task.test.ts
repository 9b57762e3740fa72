import { expect, test } from 'vitest';
import { makeGate, makeOpenTask } from '../testing/gates.ts';
import { findTask } from './find-task.ts';

const ids = ['ab', 'abc', 'abcd2', 'k7m2p', 'ended2', 'twin1', 'twin2', 'gated'];
const paths = new Map(ids.map((id) => [id, `runs/RUN-20261120-001/tasks/${id}/task.json`]));
const state = {
  tasks: [
    ...['ab', 'abc', 'k7m2p'].map((task) => makeOpenTask({ task })),
    ...['twin1', 'twin2'].map((task) => makeOpenTask({ task, file: 'twin.md', droppedAs: 'twin.md' })),
    makeOpenTask({ task: 'gone' }),
  ],
  gates: [makeGate({ task: 'gated', droppedAs: 'café.md' })],
};
const find = (name: string) => findTask(name, state, paths);
const reasonOf = (name: string) => {
  const found = find(name);
  return found.ok ? `found ${found.task}` : found.reason;
};

test.each([
  ['ab', 'ab'],
  ['abc', 'abc'],
  ['K7M2P', 'k7m2p'],
  ['ended2', 'ended2'],
  ['k7m2p.md', 'k7m2p'],
  ['cafe\u0301.md', 'gated'],
])('%j is %s', (name, task) => {
  expect(find(name)).toEqual({ ok: true, task, path: paths.get(task) });
});

test.each([
  ['k7m2q', 'no task is called "k7m2q"; did you mean k7m2p?'],
  ['k7m2', 'no task is called "k7m2"; did you mean k7m2p?'],
  ['endd2', 'no task is called "endd2"; did you mean ended2?'],
  ['a', 'no task is called "a"'],
  ['zzzzz', 'no task is called "zzzzz"'],
  ['../ab', 'no task is called "../ab"'],
  ['__proto__', 'no task is called "__proto__"'],
  ['twin.md', '"twin.md" is twin1 and twin2; name the id'],
  ['gone', 'nothing is kept of gone any more'],
])('A15 %j is none', (name, reason) => {
  expect(reasonOf(name)).toBe(reason);
});
