import { expect, test } from 'vitest';
import { compile, containerName } from './policy.ts';
import { ingredients } from './testing/ingredients.ts';

test('a sandbox is compiled to exactly these options', () => {
  expect(compile(ingredients)).toStrictEqual({
    Image: ingredients.imageId,
    Hostname: 'sandbox',
    Domainname: '',
    User: '65532:65532',
    WorkingDir: '/workspace',
    Tty: false,
    OpenStdin: false,
    StdinOnce: false,
    AttachStdin: false,
    AttachStdout: false,
    AttachStderr: false,
    Healthcheck: { Test: ['NONE'] },
    StopSignal: 'SIGTERM',
    Labels: {
      'countersign.sandbox': ingredients.slot,
      'countersign.profile': 'default',
      'countersign.epoch': 'e0',
      'countersign.project': 'countersign',
      'com.docker.compose.project': '',
      'com.docker.compose.service': '',
      'com.docker.compose.version': '',
    },
    HostConfig: {
      Runtime: 'runc',
      Init: true,
      AutoRemove: false,
      RestartPolicy: { Name: 'no', MaximumRetryCount: 0 },
      LogConfig: { Type: 'none', Config: {} },
      NetworkMode: 'none',
      PortBindings: {},
      PublishAllPorts: false,
      ExtraHosts: [],
      Links: [],
      Privileged: false,
      CapDrop: ['ALL'],
      CapAdd: [],
      SecurityOpt: ['no-new-privileges:true', 'seccomp=builtin'],
      GroupAdd: [],
      Devices: [],
      DeviceRequests: [],
      DeviceCgroupRules: [],
      Sysctls: {},
      IpcMode: 'private',
      CgroupnsMode: 'private',
      PidMode: '',
      UTSMode: '',
      UsernsMode: '',
      CgroupParent: '',
      ReadonlyRootfs: true,
      Binds: [],
      VolumesFrom: [],
      Mounts: [
        {
          Type: 'volume',
          Source: 'countersign_slots',
          Target: '/slot',
          ReadOnly: true,
          VolumeOptions: { NoCopy: true, Subpath: ingredients.slot },
        },
        {
          Type: 'volume',
          Source: 'countersign_model-slots',
          Target: '/model',
          ReadOnly: true,
          VolumeOptions: { NoCopy: true, Subpath: ingredients.slot },
        },
      ],
      Tmpfs: {
        '/workspace': 'rw,nosuid,nodev,exec,size=2048m,uid=65532,gid=65532,mode=0700',
        '/tmp': 'rw,nosuid,nodev,noexec,size=1024m,uid=65532,gid=65532,mode=0700',
      },
      ShmSize: 16 * 1024 * 1024,
      Memory: 3072 * 1024 * 1024,
      MemorySwap: 3072 * 1024 * 1024,
      NanoCpus: 2_000_000_000,
      PidsLimit: 256,
      OomKillDisable: false,
      OomScoreAdj: 500,
      Ulimits: [
        { Name: 'core', Soft: 0, Hard: 0 },
        { Name: 'nofile', Soft: 16_384, Hard: 16_384 },
      ],
    },
  });
});

test('A06 A29 what a sandbox has of the stack is the folder of its slot in two volumes, and that to read alone', () => {
  const { Binds, VolumesFrom, Mounts } = compile(ingredients).HostConfig;
  expect([Binds, VolumesFrom]).toEqual([[], []]);
  expect(Mounts.map(({ Source, ReadOnly, VolumeOptions }) => [Source, ReadOnly, VolumeOptions.Subpath])).toEqual([
    ['countersign_slots', true, ingredients.slot],
    ['countersign_model-slots', true, ingredients.slot],
  ]);
});

test('S005 there is no environment, entry point, command or network configuration to be set', () => {
  expect(Object.keys(compile(ingredients))).not.toEqual(
    expect.arrayContaining([expect.stringMatching(/^(?:Env|Entrypoint|Cmd|Volumes|NetworkingConfig|ExposedPorts)$/)]),
  );
});

test('fractions of a processor become whole nano-processors', () => {
  const profile = { ...ingredients.profile, cpus: 0.1 + 0.2 };
  expect(compile({ ...ingredients, profile }).HostConfig.NanoCpus).toBe(300_000_000);
});

test('a profile with gpus asks for every one of them, and for nothing else', () => {
  const profile = { ...ingredients.profile, gpus: 'all' as const };
  const { DeviceRequests, ...others } = compile({ ...ingredients, profile }).HostConfig;
  expect(DeviceRequests).toStrictEqual([
    { Driver: '', Count: -1, DeviceIDs: [], Capabilities: [['gpu']], Options: {} },
  ]);
  const { DeviceRequests: _none, ...plain } = compile(ingredients).HostConfig;
  expect(others).toStrictEqual(plain);
});

test('two projects give one slot two names', () => {
  expect(containerName('one', ingredients.slot)).toBe(`one-sandbox-${ingredients.slot}`);
  expect(containerName('two', ingredients.slot)).not.toBe(containerName('one', ingredients.slot));
});
