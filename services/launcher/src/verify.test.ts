import { describe, expect, test } from 'vitest';
import type { Inspection } from './container.ts';
import { compile } from './policy.ts';
import { exampleImage } from './testing/fake-engine.ts';
import { ingredients } from './testing/ingredients.ts';
import { inspectionOf } from './testing/inspection-of.ts';
import { findMismatches } from './verify.ts';

const compiled = compile(ingredients);
const asMade = () => inspectionOf('c1', 'countersign-sandbox-x', compiled, exampleImage);
const check = (inspection: Inspection) => findMismatches(compiled, exampleImage.config, inspection);

test('what engine 26.1.5 makes of the options is accepted', () => {
  expect(check(asMade())).toEqual([]);
});

test('an engine that leaves unset keys out is accepted', () => {
  const inspection = asMade();
  const kept = Object.entries(inspection.HostConfig).filter(
    ([, value]) =>
      value !== null && value !== '' && value !== false && value !== 0 && !(Array.isArray(value) && !value.length),
  );
  inspection.HostConfig = { Runtime: 'runc', ...Object.fromEntries(kept) };
  Reflect.deleteProperty(inspection.HostConfig, 'ConsoleSize');
  inspection.NetworkSettings = { Networks: { none: { NetworkID: 'n1' } } };
  expect(check(inspection)).toEqual([]);
});

test('an engine that lists the mounts in another order is accepted', () => {
  const inspection = asMade();
  inspection.Mounts.reverse();
  expect(check(inspection)).toEqual([]);
});

test('an engine that masks more, has AppArmor, or knows new keys that are unset is accepted', () => {
  const inspection = asMade();
  const masked = inspection.HostConfig['MaskedPaths'] as string[];
  inspection.HostConfig['MaskedPaths'] = [...masked, '/proc/interrupts'];
  inspection.HostConfig['FutureList'] = [];
  inspection.HostConfig['FutureFlag'] = false;
  inspection.AppArmorProfile = 'docker-default';
  expect(check(inspection)).toEqual([]);
});

/** Each widening that an engine, or whoever sits between, could give a container. */
const widenedHostConfig: Record<string, unknown> = {
  Privileged: true,
  CapAdd: ['SYS_ADMIN'],
  CapDrop: null,
  SecurityOpt: ['seccomp=unconfined'],
  NetworkMode: 'host',
  PidMode: 'host',
  IpcMode: 'host',
  UTSMode: 'host',
  UsernsMode: 'host',
  CgroupnsMode: 'host',
  Cgroup: 'container:x',
  CgroupParent: '/',
  Runtime: 'other',
  ReadonlyRootfs: false,
  Binds: ['/:/host'],
  VolumesFrom: ['runner'],
  Mounts: [{ Type: 'bind', Source: '/', Target: '/slot', ReadOnly: true }],
  Tmpfs: { ...compiled.HostConfig.Tmpfs, '/more': '' },
  Devices: [{ PathOnHost: '/dev/kmsg' }],
  DeviceRequests: [{ Count: -1 }],
  DeviceCgroupRules: ['a *:* rwm'],
  Sysctls: { 'kernel.core_pattern': 'x' },
  ExtraHosts: ['a:1.2.3.4'],
  Dns: ['1.2.3.4'],
  Links: ['runner'],
  PortBindings: { '80/tcp': null },
  PublishAllPorts: true,
  GroupAdd: ['0'],
  MaskedPaths: [],
  ReadonlyPaths: null,
  Memory: 0,
  MemorySwap: -1,
  NanoCpus: 0,
  PidsLimit: null,
  OomKillDisable: true,
  OomScoreAdj: -1000,
  Ulimits: null,
  ShmSize: 67_108_864,
  Init: false,
  AutoRemove: true,
  RestartPolicy: { Name: 'always' },
  LogConfig: { Type: 'json-file', Config: {} },
  VolumeDriver: 'sshfs',
  StorageOpt: { size: '1T' },
  Annotations: { a: 'b' },
  ContainerIDFile: '/x',
  KeyOfAFutureEngine: { enabled: true },
};

describe('HostConfig', () => {
  test.each(Object.entries(widenedHostConfig))('S006 S007 %s is named when it is not as compiled', (key, value) => {
    const inspection = asMade();
    inspection.HostConfig = { ...inspection.HostConfig, [key]: value };
    expect(check(inspection)).toEqual([expect.stringMatching(`^HostConfig\\.${key} is `)]);
  });

  test('every compiled key is compared: none can be missing unless it was compiled as unset', () => {
    for (const [key, value] of Object.entries(compiled.HostConfig)) {
      const unset = !value || (typeof value === 'object' && Object.keys(value).length === 0);
      const inspection = asMade();
      Reflect.deleteProperty(inspection.HostConfig, key);
      expect(check(inspection)).toHaveLength(unset ? 0 : 1);
    }
  });

  test.each(['MaskedPaths', 'ReadonlyPaths'])('%s cannot be missing, though it is not compiled', (key) => {
    const inspection = asMade();
    Reflect.deleteProperty(inspection.HostConfig, key);
    expect(check(inspection)).toEqual([`HostConfig.${key} is absent, not acceptable`]);
  });

  const hostFolder = { Name: 'local', Options: { type: 'none', o: 'bind', device: '/' } };
  test.each<[string, object]>([
    ['another slot', { Subpath: 'f'.repeat(32) }],
    ['the whole volume', { Subpath: undefined }],
    ['the folder above', { Subpath: '..' }],
    ['a volume that stands for a folder of the host', { DriverConfig: hostFolder }],
    ['a volume that is filled from the image', { NoCopy: false }],
  ])('S007 S009 %s in the place of a slot is a mismatch', (_what, options) => {
    for (const widened of compiled.HostConfig.Mounts) {
      const inspection = asMade();
      inspection.HostConfig['Mounts'] = compiled.HostConfig.Mounts.map((mount) =>
        mount === widened ? { ...mount, VolumeOptions: { ...mount.VolumeOptions, ...options } } : mount,
      );
      expect(check(inspection)).toEqual([expect.stringMatching(/^HostConfig\.Mounts /)]);
    }
  });
});

describe('Config', () => {
  test.each([
    ['User', '0:0'],
    ['User', ''],
    ['Env', ['PATH=/usr/local/bin:/usr/bin:/bin', 'TOKEN=x']],
    ['Entrypoint', ['/bin/sh']],
    ['Cmd', ['-c', 'id']],
    ['Image', 'countersign/sandbox:local'],
    ['WorkingDir', '/proc/self/fd/8'],
    ['Volumes', { '/data': {} }],
    ['ExposedPorts', { '80/tcp': {} }],
    ['Labels', { ...compiled.Labels, 'countersign.sandbox': 'f'.repeat(32) }],
    ['Labels', compiled.Labels],
    ['Healthcheck', { Test: ['CMD', 'id'] }],
    ['OpenStdin', true],
    ['Tty', true],
    ['MacAddress', '02:42:ac:11:00:02'],
    ['KeyOfAFutureEngine', 1],
  ])('S005 S006 %s %j is named', (key, value) => {
    const inspection = asMade();
    inspection.Config = { ...inspection.Config, [key]: value };
    expect(check(inspection)).toEqual([expect.stringMatching(`^Config\\.${key} is `)]);
  });
});

describe('what is really there', () => {
  test.each<[string, (inspection: Inspection) => void, RegExp]>([
    [
      'an image volume',
      (i) => i.Mounts.push({ Type: 'volume', Name: 'anonymous', Destination: '/data', RW: true }),
      /^Mounts has \["\/slot","\/model","\/data"\]/,
    ],
    ['no slot', (i) => i.Mounts.shift(), /^Mounts has \["\/model"\]/],
    ['no way to the model', (i) => i.Mounts.pop(), /^Mounts has \["\/slot"\]/],
    [
      'the slot twice',
      (i) => Object.assign(i.Mounts[1] ?? {}, { Destination: '/slot' }),
      /^Mounts has \["\/slot","\/slot"\]/,
    ],
    ['a writable slot', (i) => Object.assign(i.Mounts[0] ?? {}, { RW: true }), /^Mounts\[\/slot\]\.RW is true/],
    ['a writable way to the model', (i) => Object.assign(i.Mounts[1] ?? {}, { RW: true }), /^Mounts\[\/model\]\.RW is/],
    ['a bind mount', (i) => Object.assign(i.Mounts[0] ?? {}, { Type: 'bind' }), /^Mounts\[\/slot\]\.Type is "bind"/],
    [
      'another volume',
      (i) => Object.assign(i.Mounts[0] ?? {}, { Name: 'other' }),
      /^Mounts\[\/slot\]\.Name is "other"/,
    ],
    [
      "the runner's volume as the way to the model",
      (i) => Object.assign(i.Mounts[1] ?? {}, { Name: 'countersign_slots' }),
      /^Mounts\[\/model\]\.Name is "countersign_slots"/,
    ],
    [
      'propagation',
      (i) => Object.assign(i.Mounts[0] ?? {}, { Propagation: 'rshared' }),
      /^Mounts\[\/slot\]\.Propagation/,
    ],
    [
      'a second network',
      (i) => Object.assign(i.NetworkSettings.Networks, { bridge: {} }),
      /^NetworkSettings\.Networks is \["none","bridge"\]/,
    ],
    [
      'another network',
      (i) => Object.assign(i.NetworkSettings, { Networks: { bridge: {} } }),
      /^NetworkSettings\.Networks is \["bridge"\]/,
    ],
    [
      'an address',
      (i) => Object.assign(i.NetworkSettings.Networks['none'] ?? {}, { IPAddress: '172.17.0.2' }),
      /^NetworkSettings\.Networks\.none\.IPAddress is "172/,
    ],
    ['a gateway', (i) => Object.assign(i.NetworkSettings, { Gateway: '172.17.0.1' }), /^NetworkSettings\.Gateway is/],
    [
      'no AppArmor profile where there could be one',
      (i) => Object.assign(i, { AppArmorProfile: 'unconfined' }),
      /^AppArmorProfile is "unconfined"/,
    ],
  ])('S007 %s is named', (_name, change, message) => {
    const inspection = asMade();
    change(inspection);
    expect(check(inspection)).toEqual([expect.stringMatching(message)]);
  });
});

describe('a profile with gpus', () => {
  const withGpus = compile({ ...ingredients, profile: { ...ingredients.profile, gpus: 'all' } });
  const [asked] = withGpus.HostConfig.DeviceRequests;
  const judge = (requests: unknown) => {
    const inspection = inspectionOf('c1', 'countersign-sandbox-x', withGpus, exampleImage);
    inspection.HostConfig['DeviceRequests'] = requests;
    return findMismatches(withGpus, exampleImage.config, inspection);
  };

  test.each([
    ['as they were asked for', [asked]],
    ['with none where an empty list was', [{ ...asked, DeviceIDs: null, Options: null }]],
  ])('is accepted %s', (_what, requests) => {
    expect(judge(requests)).toEqual([]);
  });

  test.each([
    ['none at all', []],
    ['what is no request', ['gpu']],
    ['another device beside them', [asked, { ...asked, Driver: 'cdi', DeviceIDs: ['vendor.com/disk=0'] }]],
    ['another driver', [{ ...asked, Driver: 'cdi' }]],
    ['devices by name', [{ ...asked, DeviceIDs: ['0'] }]],
    ['another capability', [{ ...asked, Capabilities: [['gpu', 'display']] }]],
    ['a key of a future engine', [{ ...asked, Anything: true }]],
  ])('is refused with %s', (_what, requests) => {
    expect(judge(requests)).toEqual([expect.stringMatching(/^HostConfig\.DeviceRequests is /)]);
  });

  test('has another definition, which is what an approval binds', () => {
    expect(withGpus).not.toEqual(compiled);
  });
});
