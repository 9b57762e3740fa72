import { expect, test } from 'vitest';
import { folderOf, isFinal, mayFollow, queueFolders, TaskStatus, transitions } from './task-state.ts';

const all = TaskStatus.options;

test('every state has a folder of the queue, and every folder a state', () => {
  expect(new Set(all.map((status) => folderOf[status]))).toEqual(new Set(queueFolders));
});

test('a task is ended exactly when its file lies in outbox/, and nothing follows but another attempt that somebody asks for', () => {
  for (const status of all) {
    expect(isFinal(status)).toBe(folderOf[status].startsWith('outbox/'));
    if (!isFinal(status)) continue;
    const following = status === 'done' || status === 'invalid' ? [] : ['queued'];
    expect(all.filter((next) => mayFollow(status, next))).toEqual(following);
  }
});

function reachableFrom(start: TaskStatus, without: readonly TaskStatus[] = []): Set<TaskStatus> {
  const reached = new Set<TaskStatus>([start]);
  for (const status of reached) for (const next of transitions[status]) if (!without.includes(next)) reached.add(next);
  return reached;
}

test('every state is reached from queued, and from every state an end is', () => {
  expect([...reachableFrom('queued')].sort()).toEqual([...all].sort());
  for (const status of all) expect([...reachableFrom(status)].some(isFinal)).toBe(true);
});

test('from the gate nothing runs without having been approved', () => {
  const reached = reachableFrom('pending', ['approved', 'queued']);
  expect(reached.has('running')).toBe(false);
  expect(reached.has('done')).toBe(false);
});

test('a result at its review is not done without merging, but where its branches hold the change already', () => {
  expect(reachableFrom('review', ['merging', 'rebasing', 'queued']).has('done')).toBe(false);
});

test('no state follows itself', () => {
  for (const status of all) expect(mayFollow(status, status)).toBe(false);
});
