import { randomBytes } from 'node:crypto';
import { LauncherHealth, Profile, Sandbox, SandboxList } from '@countersign/contracts/launcher-api.ts';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { docker, sandboxImage, startLauncher } from '../support/launcher-fixture.ts';

const imageWithVolume = `countersign/sandbox:volume-${randomBytes(4).toString('hex')}`;
const sizes = 'memory_mb: 512, cpus: 1.5, pids: 64, workspace_mb: 128, tmp_mb: 64';
const profiles = `version: 1
profiles:
  default: {image: "${sandboxImage}", runtime: runc, ${sizes}}
  volume: {image: "${imageWithVolume}", runtime: runc, ${sizes}}
  absent: {image: "countersign/sandbox:no-such-tag", runtime: runc, ${sizes}}
`;

let launcher: Awaited<ReturnType<typeof startLauncher>>;

beforeAll(async () => {
  launcher = await startLauncher(profiles);
  const draft = await docker('create', '--label', `countersign.project=${launcher.project}`, sandboxImage);
  await docker('commit', '--change', 'VOLUME /extra', draft, imageWithVolume);
  await docker('rm', '-v', draft);
});

afterAll(async () => {
  await launcher[Symbol.asyncDispose]();
  await docker('image', 'rm', imageWithVolume);
});

const start = (slot: string, profile = 'default') =>
  launcher.client.request('POST', '/sandboxes', Sandbox, { body: { profile, slot } });
const remove = (slot: string) => launcher.client.request('DELETE', `/sandboxes/${slot}`, null);
const list = async () => (await launcher.client.request('GET', '/sandboxes', SandboxList)).sandboxes;
const nameOf = (slot: string) => `${launcher.project}-sandbox-${slot}`;
const allContainers = () => docker('ps', '-aq', '--filter', `label=countersign.project=${launcher.project}`);

test('the engine is named', async () => {
  const health = await launcher.client.request('GET', '/health', LauncherHealth);
  expect(health).toMatchObject({ status: 'ok', reason: '', engine: expect.stringMatching(/^\d+\./) });
});

describe('a running sandbox', () => {
  let slot = '';
  beforeAll(async () => {
    slot = await launcher.makeSlot();
    await start(slot);
  });
  afterAll(() => remove(slot));

  test('S006 S051 S055 is what the table says', async () => {
    const [inspected] = JSON.parse(await docker('inspect', nameOf(slot)));
    const [image] = JSON.parse(await docker('image', 'inspect', sandboxImage));
    expect(inspected).toMatchObject({
      State: { Running: true },
      RestartCount: 0,
      HostConfig: {
        NetworkMode: 'none',
        Privileged: false,
        ReadonlyRootfs: true,
        CapDrop: ['ALL'],
        SecurityOpt: ['no-new-privileges:true', 'seccomp=builtin'],
        IpcMode: 'private',
        CgroupnsMode: 'private',
        PidMode: '',
        UTSMode: '',
        UsernsMode: '',
        Runtime: 'runc',
        Init: true,
        AutoRemove: false,
        RestartPolicy: { Name: 'no' },
        LogConfig: { Type: 'none' },
        Memory: 512 * 1024 ** 2,
        MemorySwap: 512 * 1024 ** 2,
        NanoCpus: 1.5e9,
        PidsLimit: 64,
        ShmSize: 16 * 1024 ** 2,
        OomScoreAdj: 500,
        OomKillDisable: false,
        Tmpfs: {
          '/workspace': 'rw,nosuid,nodev,exec,size=128m,uid=65532,gid=65532,mode=0700',
          '/tmp': 'rw,nosuid,nodev,noexec,size=64m,uid=65532,gid=65532,mode=0700',
        },
      },
      Config: {
        User: '65532:65532',
        WorkingDir: '/workspace',
        Image: image.Id,
        Env: image.Config.Env,
        Entrypoint: image.Config.Entrypoint,
        Cmd: image.Config.Cmd,
        Volumes: null,
        Labels: {
          'countersign.sandbox': slot,
          'countersign.profile': 'default',
          'countersign.project': launcher.project,
          'countersign.epoch': expect.stringMatching(/^[0-9a-f]{16}$/),
        },
      },
    });
    for (const key of ['Binds', 'VolumesFrom', 'CapAdd', 'Devices', 'DeviceRequests', 'DeviceCgroupRules', 'GroupAdd'])
      expect([key, inspected.HostConfig[key] ?? []]).toEqual([key, []]);
    for (const key of ['Sysctls', 'PortBindings', 'StorageOpt', 'Annotations'])
      expect([key, inspected.HostConfig[key] ?? {}]).toEqual([key, {}]);
    expect(inspected.HostConfig.MaskedPaths).toEqual(
      expect.arrayContaining(['/proc/kcore', '/proc/keys', '/sys/firmware']),
    );
  });

  test('S007 has two folders of sockets, one of each volume, and no other mount', async () => {
    const [inspected] = JSON.parse(await docker('inspect', nameOf(slot)));
    const { slots, modelSlots } = launcher.volumes;
    const compiled = { Type: 'volume', ReadOnly: true, VolumeOptions: { NoCopy: true, Subpath: slot } };
    expect(inspected.HostConfig.Mounts).toEqual([
      { ...compiled, Source: slots, Target: '/slot' },
      { ...compiled, Source: modelSlots, Target: '/model' },
    ]);
    const made = inspected.Mounts.map(({ Type, Name, Destination, RW }: Record<string, unknown>) => [
      Destination,
      Type,
      Name,
      RW,
    ]);
    expect(made.sort()).toEqual([
      ['/model', 'volume', modelSlots, false],
      ['/slot', 'volume', slots, false],
    ]);
    expect((await docker('exec', nameOf(slot), 'ls', '/slot')).split('\n')).toEqual([slots]);
    expect((await docker('exec', nameOf(slot), 'ls', '/model')).split('\n')).toEqual([modelSlots]);
  });

  test('S020 S042 has no address but its loopback', async () => {
    const [{ NetworkSettings: network }] = JSON.parse(await docker('inspect', nameOf(slot)));
    expect(Object.keys(network.Networks)).toEqual(['none']);
    expect([network.IPAddress, network.GlobalIPv6Address, network.Networks.none.IPAddress]).toEqual(['', '', '']);
    const devices = await docker('exec', nameOf(slot), 'cat', '/proc/net/dev');
    expect([...devices.matchAll(/^\s*(\S+):/gm)].map(([, name]) => name)).toEqual(['lo']);
    const addresses = await docker('exec', nameOf(slot), 'cat', '/proc/net/fib_trie');
    const local = [...addresses.matchAll(/\|-- (\S+)\n\s+\/32 host LOCAL/g)].map(([, address]) => address);
    expect([...new Set(local)]).toEqual(['127.0.0.1']);
  });

  test('S018 has no capability, no new privileges, the seccomp filter and no other group', async () => {
    const status = await docker('exec', nameOf(slot), 'cat', '/proc/1/status');
    const field = (name: string) => new RegExp(`^${name}:\\s*(.*)$`, 'm').exec(status)?.[1]?.trim();
    for (const set of ['CapInh', 'CapPrm', 'CapEff', 'CapBnd', 'CapAmb']) expect(field(set)).toBe('0000000000000000');
    expect([field('NoNewPrivs'), field('Seccomp'), field('Groups')]).toEqual(['1', '2', '65532']);
    expect([field('Uid'), field('Gid')]).toEqual(['65532\t65532\t65532\t65532', '65532\t65532\t65532\t65532']);
  });

  test('S008 S052 can write to its two folders only, and run programs from one', async () => {
    const script = `
      for folder in /workspace /tmp /slot /model / /usr /var/tmp /home /run; do
        if (: > "$folder/.probe") 2>/dev/null; then echo "writes $folder"; fi
      done
      for folder in /workspace /tmp; do
        cp /bin/true "$folder/program" && "$folder/program" 2>/dev/null && echo "runs from $folder"
      done
      ulimit -c`;
    const printed = await docker('exec', nameOf(slot), 'sh', '-c', script);
    expect(printed.split('\n')).toEqual(['writes /workspace', 'writes /tmp', 'runs from /workspace', '0']);
  });

  test('is listed, and its slot is taken', async () => {
    expect(await list()).toEqual([
      expect.objectContaining({ id: slot, profile: 'default', state: 'running', runtime: 'runc' }),
    ]);
    await expect(start(slot)).rejects.toMatchObject({ status: 409, body: { code: 'slot-taken' } });
  });

  test('is found by a launcher that was restarted', async () => {
    await launcher.restart();
    expect(await list()).toEqual([expect.objectContaining({ id: slot, state: 'running' })]);
  });
});

test('S045 a sandbox is signalled, ends, keeps its slot until it is removed, and is gone then', async () => {
  const slot = await launcher.makeSlot();
  const profile = await launcher.client.request('GET', '/profiles/default', Profile);
  const sandbox = await start(slot);
  expect(sandbox).toMatchObject({ image: profile.image, exit_code: null, out_of_memory: false });
  expect(Date.parse(sandbox.started_at)).toBeGreaterThan(Date.parse('2026-01-01'));

  await launcher.client.request('POST', `/sandboxes/${slot}/signal`, null, { body: { signal: 'SIGKILL' } });
  await expect
    .poll(list, { timeout: 10_000 })
    .toEqual([expect.objectContaining({ id: slot, state: 'ended', exit_code: 137 })]);
  const signalled = launcher.client.request('POST', `/sandboxes/${slot}/signal`, null, { body: { signal: 'SIGTERM' } });
  await expect(signalled).rejects.toMatchObject({ status: 404, body: { code: 'no-such-sandbox' } });
  await expect(start(slot)).rejects.toMatchObject({ status: 409 });

  await remove(slot);
  expect(await allContainers()).toBe('');
  await remove(slot);
});

test('two starts of one slot at once make one sandbox', async () => {
  const slot = await launcher.makeSlot();
  const outcomes = await Promise.allSettled([start(slot), start(slot)]);
  expect(outcomes.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
  expect(await list()).toHaveLength(1);
  await remove(slot);
});

test.each([
  ['either', []],
  ['the second', ['slots']],
  ['the first', ['modelSlots']],
] as const)('a slot without a folder in %s volume is refused and leaves nothing', async (_which, made) => {
  const slot = await launcher.makeSlot(made.map((name) => launcher.volumes[name]));
  await expect(start(slot)).rejects.toMatchObject({
    status: 422,
    body: { code: 'bad-request', message: 'the slot has no folder in one of its two volumes' },
  });
  expect(await allContainers()).toBe('');
});

describe('S008 a link where the folder of a slot belongs', () => {
  const ended = async (container: string) => {
    expect(await docker('wait', container)).toBe('0');
    await docker('rm', container);
  };

  test.each(['/etc', '..', '../../../../../../etc', '/proc/self/root', '/var/run'])(
    'that leads to %s, out of its volume, is refused and leaves nothing',
    async (target) => {
      const slot = await launcher.makeSlot([launcher.volumes.slots]);
      await ended(await launcher.interfere(`ln -s ${target} ${slot}`));
      await expect(start(slot)).rejects.toMatchObject({
        body: { code: expect.stringMatching(/internal|bad-request/) },
      });
      expect(await allContainers()).toBe('');
    },
  );

  test('that takes its place again and again while sandboxes are made leads none of them out', {
    timeout: 300_000,
  }, async () => {
    const slot = await launcher.makeSlot();
    const swap = `const { renameSync, symlinkSync } = require('node:fs');
      symlinkSync('/etc', 'link');
      for (;;) {
        for (const [from, to] of [['${slot}', 'folder'], ['link', '${slot}'], ['${slot}', 'link'], ['folder', '${slot}']])
          renameSync(from, to);
      }`;
    const swapping = await launcher.interfere(`exec node -e "${swap}"`);
    const seen: string[] = [];
    let refused = 0;
    for (let attempt = 0; attempt < 24; attempt += 1) {
      const isMade = await start(slot).then(
        () => true,
        () => false,
      );
      if (isMade) seen.push(await docker('exec', nameOf(slot), 'ls', '/model'));
      else refused += 1;
      await remove(slot);
    }
    expect(await docker('inspect', '--format', '{{.State.Running}}', swapping)).toBe('true');
    await docker('rm', '--force', swapping);
    expect(seen.length + refused).toBe(24);
    expect(refused).toBeGreaterThan(0);
    expect(seen.filter((names) => names !== launcher.volumes.modelSlots)).toEqual([]);
  });
});

test('S007 an image that brings a volume of its own is refused, and the volume with it', async () => {
  const slot = await launcher.makeSlot();
  const volumesBefore = await docker('volume', 'ls', '-q');
  await expect(start(slot, 'volume')).rejects.toMatchObject({
    status: 422,
    body: { code: 'not-as-compiled', message: expect.stringMatching(/Mounts has .*"\/extra"/) },
  });
  expect(await allContainers()).toBe('');
  expect(await docker('volume', 'ls', '-q')).toBe(volumesBefore);
});

test('S005 an image that is not on the engine is refused, not pulled', async () => {
  await expect(launcher.client.request('GET', '/profiles/absent', Profile)).rejects.toMatchObject({
    status: 422,
    body: { code: 'no-image' },
  });
});
