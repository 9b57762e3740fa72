import { expect, test } from 'vitest';
import { makeConfig } from '../testing/home.ts';
import { makeRecord } from '../testing/record.ts';
import { chooseStartable } from './choose-startable.ts';

const config = makeConfig({ home: '/x', slots: '/x', spools: '/x' });
const one = { tasks: 1, perWorkspace: 1, perModel: null, perStage: new Map() };

/**
 * A launcher that has no usable image for some workspaces; `asked` is what it was asked about.
 * @param loose workspaces whose sandboxes are not confined
 */
function begin(unusable: readonly string[], loose: readonly string[] = []) {
  const asked: string[] = [];
  const dependencies = {
    profileFor: (name: string, workspace: string) => {
      asked.push(workspace);
      if (unusable.includes(workspace))
        return Promise.resolve({ ok: false as const, reason: `no image for ${workspace}` });
      const profile = { name, image: workspace };
      return Promise.resolve({ ok: true as const, profile: profile as never });
    },
  };
  const confinement = {
    hold: (_profile: unknown, workspace: string | null) => (loose.includes(workspace ?? '') ? 'not confined' : null),
  };
  return { asked, context: { config, dependencies: dependencies as never, confinement } };
}

test('a task whose image cannot be used waits for that, and the next one has its turn', async () => {
  const { context } = begin(['bad']);
  const tasks = [
    makeRecord({ id: 'first', workspace: 'bad', priority: 10 }),
    makeRecord({ id: 'second', workspace: 'good' }),
    makeRecord({ id: 'third', workspace: 'good' }),
  ];
  const { start, waits, profiles } = await chooseStartable(context, tasks, [], one);
  expect(start.map(({ id }) => id)).toEqual(['second']);
  expect(waits.get('first')).toEqual({ wait: { kind: 'profile', on: ['bad'] }, reason: 'no image for bad' });
  expect(waits.get('third')?.reason).toMatch(/workspace good/);
  expect(profiles.get('second')).toMatchObject({ image: 'good' });
});

test('no task gets a sandbox that is not confined', async () => {
  const { context } = begin([], ['loose']);
  const tasks = [
    makeRecord({ id: 'first', workspace: 'loose', priority: 10 }),
    makeRecord({ id: 'second', workspace: 'good' }),
  ];
  const { start, waits, profiles } = await chooseStartable(context, tasks, [], one);
  expect(start.map(({ id }) => id)).toEqual(['second']);
  expect(waits.get('first')).toEqual({ wait: { kind: 'profile', on: ['loose'] }, reason: 'not confined' });
  expect([...profiles.keys()]).toEqual(['second']);
});

test('many tasks of a workspace that cannot be used cost one question', async () => {
  const { context, asked } = begin(['bad']);
  const tasks = Array.from({ length: 50 }, (_, index) => makeRecord({ id: `task-${index}`, workspace: 'bad' }));
  const { start, waits } = await chooseStartable(context, tasks, [], { ...one, tasks: 4, perWorkspace: 4 });
  expect(start).toEqual([]);
  expect(waits.size).toBe(50);
  expect(asked).toEqual(['bad']);
});

test('a task whose stage is gone waits for that and holds up nobody', async () => {
  const { context } = begin([]);
  const tasks = [
    makeRecord({ id: 'gone', stage: 'gone', priority: 10 }),
    makeRecord({ id: 'here', workspace: 'other' }),
  ];
  const { start, waits } = await chooseStartable(context, tasks, [], one);
  expect(start.map(({ id }) => id)).toEqual(['here']);
  expect(waits.get('gone')?.reason).toMatch(/stages\.yaml/);
});
