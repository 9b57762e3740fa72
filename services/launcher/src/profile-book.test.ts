import { describe, expect, test } from 'vitest';
import { launcherLimits } from './limits.ts';
import { exampleImage } from './testing/fake-engine.ts';
import { launcherParts } from './testing/launcher-parts.ts';
import { workspaceImage } from './testing/workspace-image.ts';
import { workspaceImageName } from './workspace-image-name.ts';

const soon = () => AbortSignal.timeout(5_000);

test('the answer is believed for a short time; then a moved tag is seen', async () => {
  let now = 0;
  const { engine, profiles } = launcherParts({ now: () => now });
  const first = await profiles.resolve('default', null, soon());
  const moved = { ...exampleImage, id: `sha256:${'b2'.repeat(32)}` };
  engine.images.set('countersign/sandbox:local', moved);

  now = launcherLimits.profileCacheMs - 1;
  expect(await profiles.resolve('default', null, soon())).toEqual(first);
  now = launcherLimits.profileCacheMs;
  const later = await profiles.resolve('default', null, soon());
  expect(later).toMatchObject({ ok: true, value: { answer: { image: moved.id } } });
  expect(first.ok && later.ok && first.value.answer.definition !== later.value.answer.definition).toBe(true);
});

test('a refusal is not remembered', async () => {
  const { engine, profiles } = launcherParts();
  expect(await profiles.resolve('absent', null, soon())).toMatchObject({ refusal: { code: 'no-image' } });
  engine.images.set('countersign/absent:local', exampleImage);
  expect(await profiles.resolve('absent', null, soon())).toMatchObject({ ok: true });
});

test('the definition is the same in every start of the launcher and differs between profiles', async () => {
  const [one, two] = [launcherParts({ epoch: 'a' }), launcherParts({ epoch: 'b' })];
  one.engine.images.set('countersign/absent:local', exampleImage);
  const definition = async (parts: typeof one, name: string) => {
    const resolved = await parts.profiles.resolve(name, null, soon());
    return resolved.ok ? resolved.value.answer.definition : '';
  };
  expect(await definition(one, 'default')).toMatch(/^[0-9a-f]{64}$/);
  expect(await definition(one, 'default')).toBe(await definition(two, 'default'));
  expect(await definition(one, 'default')).not.toBe(await definition(one, 'absent'));
});

test('it is said, once, which runtime is taken and why', async () => {
  let now = 0;
  const { profiles, log } = launcherParts({ now: () => now });
  await profiles.resolve('default', null, soon());
  now = launcherLimits.profileCacheMs;
  await profiles.resolve('default', null, soon());
  expect(log).toEqual([
    expect.objectContaining({ profile: 'default', runtime: 'runc', reason: expect.stringMatching(/no gVisor/) }),
  ]);
});

describe("a workspace's image", () => {
  const reference = `${workspaceImageName('app')}:local`;

  test('takes the place of the own one for that workspace alone', async () => {
    const { engine, profiles } = launcherParts();
    const image = workspaceImage('app');
    engine.images.set(reference, image);
    const own = { ok: true, value: { answer: { toolchain: 'own', image: exampleImage.id } } };
    expect(await profiles.resolve('default', 'app', soon())).toMatchObject({
      ok: true,
      value: { answer: { name: 'default', toolchain: 'workspace', image: image.id }, image },
    });
    expect(await profiles.resolve('default', null, soon())).toMatchObject(own);
    expect(await profiles.resolve('default', 'App', soon())).toMatchObject(own);
    expect(await profiles.resolve('default', 'other', soon())).toMatchObject(own);
  });

  test('without one a workspace gets exactly what the profile itself is, so that warm sandboxes serve it', async () => {
    const { profiles } = launcherParts();
    const [with_, without] = [
      await profiles.resolve('default', 'app', soon()),
      await profiles.resolve('default', null, soon()),
    ];
    expect(with_).toEqual(without);
  });

  test('that is unfit is refused with what mends it, and never replaced by another', async () => {
    let now = 0;
    const { engine, profiles } = launcherParts({ now: () => now });
    const stale = { ...workspaceImage('app'), layers: [`sha256:${'09'.repeat(32)}`] };
    for (const image of [stale, workspaceImage('other'), workspaceImage('app', { User: '0' })]) {
      engine.images.set(reference, image);
      expect(await profiles.resolve('default', 'app', soon())).toMatchObject({
        ok: false,
        refusal: { code: 'image-unfit', message: expect.stringMatching(/scripts\/countersign image app \(/) },
      });
      now += launcherLimits.profileCacheMs;
    }
    expect(await profiles.resolve('default', null, soon())).toMatchObject({ ok: true });
  });

  test('its definition is not the own one, and what is remembered of workspaces has a limit', async () => {
    const { engine, profiles, log } = launcherParts({ now: () => 0 });
    engine.images.set(reference, workspaceImage('app'));
    const definitions = new Set<string>();
    for (const workspace of ['app', null]) {
      const resolved = await profiles.resolve('default', workspace, soon());
      if (resolved.ok) definitions.add(resolved.value.answer.definition);
    }
    expect(definitions.size).toBe(2);
    expect(log).toContainEqual(expect.objectContaining({ workspace: 'app', toolchain: 'workspace' }));

    for (let count = 0; count < launcherLimits.rememberedProfiles; count += 1)
      await profiles.resolve('default', `w${count}`, soon());
    const calls = engine.calls.length;
    await profiles.resolve('default', 'app', soon());
    expect(engine.calls.length).toBeGreaterThan(calls);
  });
});

test('the default profile has warm sandboxes where its file says nothing, and no other one has', async () => {
  const { profiles } = launcherParts();
  expect(await profiles.resolve('unset', null, soon())).toMatchObject({ value: { answer: { warm: 0 } } });
  const own = launcherParts({ defaultProfile: 'unset' });
  expect(await own.profiles.resolve('default', null, soon())).toMatchObject({
    value: { answer: { warm: launcherLimits.warmByDefault } },
  });
});
