import { describe, expect, test } from 'vitest';
import { EngineError } from './engine-error.ts';
import { launcherLimits } from './limits.ts';
import { exampleImage, FakeEngine } from './testing/fake-engine.ts';
import { launcherParts } from './testing/launcher-parts.ts';
import { workspaceImage } from './testing/workspace-image.ts';
import { workspaceImageName } from './workspace-image-name.ts';

const slot = '0123456789abcdef0123456789abcdef';
const other = 'f'.repeat(32);
const start = { profile: 'default', slot, workspace: null };
const soon = () => AbortSignal.timeout(5_000);

describe('starting', () => {
  test('S005 compares before it starts, and uses the image by its id', async () => {
    const { engine, sandboxes } = launcherParts();
    expect(await sandboxes.start(start, soon())).toMatchObject({ ok: true, value: { id: slot, state: 'running' } });
    expect(engine.calls.slice(engine.calls.indexOf('create'))).toEqual(['create', 'inspect', 'start', 'inspect']);
    const [container] = engine.containers.values();
    expect(container?.Name).toBe(`/countersign-sandbox-${slot}`);
    expect(container?.Config.Image).toMatch(/^sha256:/);
  });

  test("the workspace's image is used by its id, and compared like any other", async () => {
    const { engine, sandboxes } = launcherParts();
    const image = workspaceImage('app');
    engine.images.set(`${workspaceImageName('app')}:local`, image);
    expect(await sandboxes.start({ ...start, workspace: 'app' }, soon())).toMatchObject({ value: { image: image.id } });
    engine.tamper = (made) => ({ ...made, Config: { ...made.Config, Entrypoint: ['sh'] } });
    expect(await sandboxes.start({ ...start, slot: other, workspace: 'app' }, soon())).toMatchObject({
      refusal: { code: 'not-as-compiled', message: expect.stringMatching(/Config\.Entrypoint/) },
    });
    expect([...engine.containers.values()].map((container) => container.Config.Image)).toEqual([image.id]);
  });

  test.each([
    ...['runner', 'launcher', 'gateway', 'countersign', 'countersign-runner-1', `countersign-sandbox-${other}`],
    ...['countersign_slots', 'countersign_default', 'none', 'host', 'bridge', 'default', 'sandbox', 'local'],
  ])('S009 a workspace that is called %s gets no name, volume, network or image of that name', async (workspace) => {
    const { engine, sandboxes } = launcherParts();
    const looked: string[] = [];
    const image = engine.image.bind(engine);
    engine.image = (reference) => {
      looked.push(reference);
      return image(reference);
    };
    for (const taken of [workspace, `countersign/${workspace}`, `countersign/${workspace}:local`])
      if (!engine.images.has(taken)) engine.images.set(taken, workspaceImage(workspace));
    expect(await sandboxes.start({ ...start, workspace }, soon())).toMatchObject({ ok: true });
    const [container] = engine.containers.values();
    expect(container?.Name).toBe(`/countersign-sandbox-${slot}`);
    expect(container?.Config.Image).toBe(exampleImage.id);
    expect(looked).toEqual([
      'countersign/sandbox:local',
      expect.stringMatching(/^countersign\/workspace-.+-?[0-9a-f]{12}:local$/),
    ]);
    expect(container?.HostConfig).toMatchObject({ NetworkMode: 'none', VolumesFrom: [], Links: [] });
    expect(container?.Mounts.map(({ Name }) => Name)).toEqual(['countersign_slots', 'countersign_model-slots']);
  });

  test('S005 an image of another workspace, or one that brings its own ways, makes no sandbox', async () => {
    for (const image of [workspaceImage('other'), workspaceImage('app', { Volumes: { '/data': {} } })]) {
      const { engine, sandboxes } = launcherParts();
      engine.images.set(`${workspaceImageName('app')}:local`, image);
      expect(await sandboxes.start({ ...start, workspace: 'app' }, soon())).toMatchObject({
        refusal: { code: 'image-unfit' },
      });
      expect(engine.calls).not.toContain('create');
    }
  });

  test('S006 what is not as compiled is named, removed and never started', async () => {
    const { engine, sandboxes, log } = launcherParts();
    engine.tamper = (made) => ({ ...made, HostConfig: { ...made.HostConfig, Privileged: true } });
    expect(await sandboxes.start(start, soon())).toMatchObject({
      ok: false,
      refusal: { code: 'not-as-compiled', message: expect.stringMatching(/HostConfig\.Privileged is true/) },
    });
    expect(engine.calls).not.toContain('start');
    expect(engine.containers.size).toBe(0);
    expect(log).toContainEqual(expect.objectContaining({ level: 50, slot, mismatches: [expect.any(String)] }));
  });

  test('S045 a slot has one sandbox, once: also when it has ended, and when two ask at once', async () => {
    const { engine, sandboxes } = launcherParts();
    const both = await Promise.all([sandboxes.start(start, soon()), sandboxes.start(start, soon())]);
    expect(both).toMatchObject([{ ok: true }, { ok: false, refusal: { code: 'slot-taken' } }]);
    await sandboxes.signal(slot, { signal: 'SIGKILL' }, soon());
    expect(await sandboxes.start(start, soon())).toMatchObject({ refusal: { code: 'slot-taken' } });
    expect(engine.containers.size).toBe(1);
  });

  test('two launchers that race for a slot make one sandbox', async () => {
    const engine = new FakeEngine();
    const met = Promise.withResolvers<void>();
    let waiting = 0;
    engine.beforeCreate = () => {
      if (++waiting === 2) met.resolve();
      return met.promise;
    };
    const [one, two] = [launcherParts({ engine }), launcherParts({ engine })];
    const both = await Promise.all([one.sandboxes.start(start, soon()), two.sandboxes.start(start, soon())]);
    expect(both.map((outcome) => outcome.ok).sort()).toEqual([false, true]);
    expect([...engine.containers.values()].map((container) => container.State.Status)).toEqual(['running']);
  });

  test("S009 a foreign container with the slot's name is neither used nor removed", async () => {
    const { engine, sandboxes } = launcherParts();
    await sandboxes.start(start, soon());
    const [[id, container] = []] = engine.containers;
    if (id === undefined || container === undefined) throw new Error('not started');
    container.Config.Labels = {};
    expect(await sandboxes.start(start, soon())).toMatchObject({ refusal: { code: 'slot-taken' } });
    await sandboxes.remove(slot, soon());
    expect(await sandboxes.signal(slot, { signal: 'SIGKILL' }, soon())).toMatchObject({ ok: false });
    expect(engine.containers.get(id)?.State.Status).toBe('running');
  });

  test('a slot without a folder is refused and leaves nothing', async () => {
    const { engine, sandboxes } = launcherParts();
    engine.slotFolders = new Set([other]);
    expect(await sandboxes.start(start, soon())).toMatchObject({
      refusal: { code: 'bad-request', message: 'the slot has no folder in one of its two volumes' },
    });
    expect(engine.containers.size).toBe(0);
    expect(await sandboxes.start({ ...start, slot: other }, soon())).toMatchObject({ ok: true });
  });

  describe.each(['countersign_slots', 'countersign_model-slots'])('S007 the volume %s', (name) => {
    test.each([
      ['missing', null, 'internal'],
      [
        'a folder of the host',
        { driver: 'local', options: { type: 'none', o: 'bind', device: '/' } },
        'not-as-compiled',
      ],
      ['of another driver', { driver: 'sshfs', options: {} }, 'not-as-compiled'],
    ])('that is %s is refused before anything is made', async (_name, volume, code) => {
      const { engine, sandboxes } = launcherParts();
      engine.volumes.delete(name);
      if (volume !== null) engine.volumes.set(name, volume);
      expect(await sandboxes.start(start, soon())).toMatchObject({
        ok: false,
        refusal: { code, message: expect.stringContaining(name) },
      });
      expect(engine.calls).not.toContain('create');
    });
  });

  test('the limit holds, also for starts that are under way', async () => {
    const { engine, sandboxes } = launcherParts();
    const slots = Array.from({ length: launcherLimits.sandboxes + 6 }, (_, index) =>
      index.toString(16).padStart(32, '0'),
    );
    const outcomes = await Promise.all(slots.map((id) => sandboxes.start({ ...start, slot: id }, soon())));
    expect(engine.containers.size).toBe(launcherLimits.sandboxes);
    const refused = outcomes.filter((outcome) => !outcome.ok);
    expect(refused).toHaveLength(6);
    for (const outcome of refused) expect(outcome).toMatchObject({ refusal: { code: 'too-many-sandboxes' } });
  });

  test('an engine that fails while the sandbox is made leaves none', async () => {
    const { engine, sandboxes } = launcherParts();
    engine.start = () => Promise.reject(new EngineError('refused', 'OCI runtime create failed'));
    await expect(sandboxes.start(start, soon())).rejects.toThrow('OCI runtime create failed');
    expect(engine.containers.size).toBe(0);
  });

  test('an engine that makes the container but does not say so in time leaves none', async () => {
    const { engine, sandboxes } = launcherParts();
    const create = engine.create.bind(engine);
    engine.create = async (name, options) => {
      await create(name, options);
      throw new EngineError('unreachable', 'no answer in time');
    };
    await expect(sandboxes.start(start, soon())).rejects.toThrow('no answer in time');
    expect(engine.containers.size).toBe(0);
  });

  test('a removal that is asked for while the start is under way happens after it', async () => {
    const { engine, sandboxes } = launcherParts();
    const started = sandboxes.start(start, soon());
    const removed = sandboxes.remove(slot, soon());
    expect(await started).toMatchObject({ ok: true });
    await removed;
    expect(engine.containers.size).toBe(0);
  });
});

describe('removing', () => {
  test('is done when the container is gone, not when the engine says yes', async () => {
    const { engine, sandboxes } = launcherParts();
    await sandboxes.start(start, soon());
    engine.removalLooks = 2;
    await sandboxes.remove(slot, soon());
    expect(engine.containers.size).toBe(0);
  });

  test('a container that stays is an error', async () => {
    const { engine, sandboxes } = launcherParts();
    await sandboxes.start(start, soon());
    engine.removalLooks = Number.POSITIVE_INFINITY;
    await expect(sandboxes.remove(slot, AbortSignal.timeout(200))).rejects.toThrow('not removed in time');
  });
});

describe('what belongs to the stack', () => {
  test('S009 sandboxes of another project are not seen, signalled or removed', async () => {
    const { engine, sandboxes } = launcherParts();
    await sandboxes.start(start, soon());
    for (const container of engine.containers.values())
      container.Config.Labels = { ...container.Config.Labels, 'countersign.project': 'other' };
    expect(await sandboxes.list(soon())).toEqual([]);
    expect(await sandboxes.signal(slot, { signal: 'SIGKILL' }, soon())).toMatchObject({ ok: false });
    await sandboxes.remove(slot, soon());
    expect([...engine.containers.values()].map((container) => container.State.Status)).toEqual(['running']);
  });

  test('a slot means its own sandbox, whatever the engine lists', async () => {
    const { engine, sandboxes } = launcherParts();
    await sandboxes.start({ ...start, slot: other }, soon());
    await sandboxes.start(start, soon());
    engine.listsEverything = true;
    await sandboxes.remove(slot, soon());
    expect(await sandboxes.list(soon())).toMatchObject([{ id: other, state: 'running' }]);
  });

  test('an ended sandbox is listed with how it ended', async () => {
    const { engine, sandboxes } = launcherParts();
    await sandboxes.start(start, soon());
    const [container] = engine.containers.values();
    if (container === undefined) throw new Error('not started');
    container.State = { ...container.State, Status: 'exited', ExitCode: 137, OOMKilled: true };
    expect(await sandboxes.list(soon())).toMatchObject([{ state: 'ended', exit_code: 137, out_of_memory: true }]);
    expect(await sandboxes.signal(slot, { signal: 'SIGTERM' }, soon())).toMatchObject({
      refusal: { code: 'no-such-sandbox' },
    });
  });

  test('a new launcher sees, says and keeps what an earlier one left', async () => {
    const engine = new FakeEngine();
    await launcherParts({ engine, epoch: 'earlier' }).sandboxes.start(start, soon());
    const { sandboxes, log } = launcherParts({ engine, epoch: 'now' });
    await sandboxes.reportEarlier(soon());
    expect(log).toContainEqual(expect.objectContaining({ sandboxes: [{ slot, epoch: 'earlier' }] }));
    expect(await sandboxes.list(soon())).toMatchObject([{ id: slot, state: 'running' }]);
  });
});

describe('what is gone or fails in between', () => {
  const gone = { refusal: { code: 'no-such-sandbox' } };

  test('a fault of the launcher’s own while it asks is passed on', async () => {
    const { engine, sandboxes } = launcherParts();
    engine.create = () => Promise.reject(new TypeError('a fault'));
    await expect(sandboxes.start(start, soon())).rejects.toThrow(TypeError);
    engine.kill = () => Promise.reject(new EngineError('refused', 'no such signal'));
    const again = launcherParts();
    await again.sandboxes.start(start, soon());
    again.engine.kill = engine.kill;
    await expect(again.sandboxes.signal(slot, { signal: 'SIGINT' }, soon())).rejects.toThrow('no such signal');
  });

  test('an image that was removed meanwhile', async () => {
    const { engine, sandboxes } = launcherParts();
    engine.create = () => Promise.reject(new EngineError('not-found', 'no such image'));
    expect(await sandboxes.start(start, soon())).toMatchObject({ refusal: { code: 'no-image' } });
  });

  test('a sandbox that somebody removes before, while or after it starts', async () => {
    const before = launcherParts();
    before.engine.inspect = () => Promise.resolve(null);
    expect(await before.sandboxes.start(start, soon())).toMatchObject(gone);
    const meanwhile = launcherParts();
    meanwhile.engine.start = (id) => {
      meanwhile.engine.containers.delete(id);
      return Promise.reject(new EngineError('not-found', 'no such container'));
    };
    expect(await meanwhile.sandboxes.start(start, soon())).toMatchObject(gone);
    const after = launcherParts();
    after.engine.start = (id) => {
      after.engine.containers.delete(id);
      return Promise.resolve();
    };
    expect(await after.sandboxes.start(start, soon())).toMatchObject(gone);
  });

  test('one that goes while it is listed, and one that is labelled as nobody labels it, are not listed', async () => {
    const { engine, sandboxes } = launcherParts();
    await sandboxes.start(start, soon());
    await sandboxes.start({ ...start, slot: other }, soon());
    const [first, second] = engine.containers.values();
    if (first === undefined || second === undefined) throw new Error('two were started');
    first.Config.Labels['countersign.profile'] = '../x';
    expect((await sandboxes.list(soon())).map(({ id }) => id)).toEqual([other]);
    const inspect = engine.inspect.bind(engine);
    engine.inspect = async (id) => (id === second.Id ? null : await inspect(id));
    expect(await sandboxes.list(soon())).toEqual([]);
  });

  test('what did not start and cannot be removed either is said', async () => {
    const { engine, sandboxes, log } = launcherParts();
    engine.start = () => Promise.reject(new EngineError('refused', 'OCI runtime create failed'));
    engine.remove = () => Promise.reject(new EngineError('refused', 'device or resource busy'));
    await expect(sandboxes.start(start, soon())).rejects.toThrow('OCI runtime create failed');
    expect(log).toContainEqual(
      expect.objectContaining({ level: 50, slot, msg: 'a sandbox that did not start could not be removed' }),
    );
  });
});
