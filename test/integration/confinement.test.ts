import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ConfinementAspect, confinementExit } from '@countersign/contracts/confinement.ts';
import { confinementCommands } from '@countersign/runner/src/sandbox/confinement.ts';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Changes, runShipped } from '../support/shipped-sandbox.ts';

const aspects = ConfinementAspect.options;
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'countersign-confinement-'));
});
afterAll(() => rm(folder, { recursive: true }));

/** Runs the one command of an aspect in a container that is made so. */
function tryAspect(aspect: ConfinementAspect, changes: Changes = {}) {
  return runShipped(folder, ['sh', '-c', confinementCommands('runc')[aspects.indexOf(aspect)] ?? ''], changes);
}

test.each(aspects)('%s: nothing gets out of a sandbox as it is made', async (aspect) => {
  const { code, output } = await tryAspect(aspect);
  expect(output).not.toMatch(/leak|not tried/);
  expect(output).toMatch(/: [1-9]\d* attempts\n$/);
  expect(code).toBe(confinementExit.held);
});

const writable = 'rw,nosuid,nodev,exec,size=8m,uid=65532,gid=65532,mode=0700';

/** One protection less, and what gets out then. */
const weaker: readonly (readonly [ConfinementAspect, string, string, Changes])[] = [
  ['network', 'a network', 'interfaces: there is eth0', { HostConfig: { NetworkMode: 'bridge' } }],
  [
    'names',
    'a name of the host',
    'the address of host.docker.internal: it is 192.0.2.1',
    { HostConfig: { ExtraHosts: ['host.docker.internal:192.0.2.1'] } },
  ],
  [
    'sockets',
    'the engine’s socket',
    'sockets in the file system: there is /run/engine.sock',
    { HostConfig: { Binds: ['/var/run/docker.sock:/run/engine.sock:ro'] } },
  ],
  ['host-paths', 'a folder of the host', 'mounts: there is /host', { HostConfig: { Binds: ['/etc:/host:ro'] } }],
  [
    'host-paths',
    'a device of the host',
    'devices: there is kmsg',
    {
      HostConfig: {
        Devices: [{ PathOnHost: '/dev/kmsg', PathInContainer: '/dev/kmsg', CgroupPermissions: 'r' }] as never[],
      },
    },
  ],
  ['capabilities', 'capabilities', 'rights of this process', { HostConfig: { CapDrop: [] } }],
  ['capabilities', 'root', 'its user and groups: one of them is root’s', { User: '0:0' }],
  ['capabilities', 'a further group', 'its user and groups', { HostConfig: { GroupAdd: ['0'] } }],
  [
    'capabilities',
    'new privileges',
    'new privileges: NoNewPrivs is 0',
    { HostConfig: { SecurityOpt: ['seccomp=builtin'] } },
  ],
  [
    'capabilities',
    'no filter',
    'the filter of system calls: Seccomp is 0',
    { HostConfig: { SecurityOpt: ['no-new-privileges:true', 'seccomp=unconfined'] } },
  ],
  ['writable-root', 'a root that can be written', 'a new file in /var/tmp', { HostConfig: { ReadonlyRootfs: false } }],
  [
    'writable-root',
    'a /tmp to execute from',
    'executing from /tmp',
    { HostConfig: { Tmpfs: { '/workspace': writable, '/tmp': writable } } },
  ],
];

test.each(weaker)('%s: with %s something gets out, and is said', async (aspect, _, leak, changes) => {
  const { code, output } = await tryAspect(aspect, changes);
  expect(output).toContain(`leak: ${leak}`);
  expect(code).toBe(confinementExit.leaks);
});
