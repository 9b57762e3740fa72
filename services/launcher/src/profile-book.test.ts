import { expect, test } from 'vitest';
import { launcherLimits } from './limits.ts';
import { exampleImage } from './testing/fake-engine.ts';
import { launcherParts } from './testing/launcher-parts.ts';

const soon = () => AbortSignal.timeout(5_000);

test('the answer is believed for a short time; then a moved tag is seen', async () => {
  let now = 0;
  const { engine, profiles } = launcherParts({ now: () => now });
  const first = await profiles.resolve('default', soon());
  const moved = { ...exampleImage, id: `sha256:${'b2'.repeat(32)}` };
  engine.images.set('countersign/sandbox:local', moved);

  now = launcherLimits.profileCacheMs - 1;
  expect(await profiles.resolve('default', soon())).toEqual(first);
  now = launcherLimits.profileCacheMs;
  const later = await profiles.resolve('default', soon());
  expect(later).toMatchObject({ ok: true, value: { answer: { image: moved.id } } });
  expect(first.ok && later.ok && first.value.answer.definition !== later.value.answer.definition).toBe(true);
});

test('a refusal is not remembered', async () => {
  const { engine, profiles } = launcherParts();
  expect(await profiles.resolve('absent', soon())).toMatchObject({ refusal: { code: 'no-image' } });
  engine.images.set('countersign/absent:local', exampleImage);
  expect(await profiles.resolve('absent', soon())).toMatchObject({ ok: true });
});

test('the definition is the same in every start of the launcher and differs between profiles', async () => {
  const [one, two] = [launcherParts({ epoch: 'a' }), launcherParts({ epoch: 'b' })];
  one.engine.images.set('countersign/absent:local', exampleImage);
  const definition = async (parts: typeof one, name: string) => {
    const resolved = await parts.profiles.resolve(name, soon());
    return resolved.ok ? resolved.value.answer.definition : '';
  };
  expect(await definition(one, 'default')).toMatch(/^[0-9a-f]{64}$/);
  expect(await definition(one, 'default')).toBe(await definition(two, 'default'));
  expect(await definition(one, 'default')).not.toBe(await definition(one, 'absent'));
});

test('it is said, once, which runtime is taken and why', async () => {
  let now = 0;
  const { profiles, log } = launcherParts({ now: () => now });
  await profiles.resolve('default', soon());
  now = launcherLimits.profileCacheMs;
  await profiles.resolve('default', soon());
  expect(log).toEqual([
    expect.objectContaining({ profile: 'default', runtime: 'runc', reason: expect.stringMatching(/no gVisor/) }),
  ]);
});
