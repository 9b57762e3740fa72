import { execa } from 'execa';
import { z } from 'zod';
import { hostName, loopback, type Places, placeOf } from './check-compose.ts';
import type { ExpectedService } from './expected-services.ts';

/** What `docker inspect` says of a container, as far as it bounds what the container can do. */
const Inspection = z.object({
  State: z.object({
    Pid: z.int(),
    Status: z.string(),
    StartedAt: z.string(),
    ExitCode: z.int(),
    Health: z.object({ Status: z.string() }).optional(),
  }),
  RestartCount: z.int(),
  Config: z.object({ User: z.string(), Env: z.array(z.string()).nullable() }),
  HostConfig: z.object({
    ReadonlyRootfs: z.boolean(),
    CapAdd: z.array(z.string()).nullable(),
    CapDrop: z.array(z.string()).nullable(),
    SecurityOpt: z.array(z.string()).nullable(),
    Privileged: z.boolean(),
    NetworkMode: z.string(),
    PidMode: z.string(),
    IpcMode: z.string(),
    UTSMode: z.string(),
    UsernsMode: z.string(),
    CgroupnsMode: z.string(),
    Memory: z.int(),
    MemorySwap: z.int(),
    NanoCpus: z.int(),
    PidsLimit: z.int().nullable(),
    Ulimits: z.array(z.object({ Name: z.string(), Soft: z.int(), Hard: z.int() })).nullable(),
    RestartPolicy: z.object({ Name: z.string() }),
    Init: z.boolean().nullable(),
    Devices: z.array(z.unknown()).nullable(),
    Tmpfs: z.record(z.string(), z.string()).nullish(),
    LogConfig: z.object({ Type: z.string() }),
    PortBindings: z.record(z.string(), z.array(z.object({ HostIp: z.string() })).nullable()).nullable(),
    ExtraHosts: z.array(z.string()).nullable(),
    Sysctls: z.record(z.string(), z.string()).nullish(),
    OomKillDisable: z.boolean().nullable(),
  }),
  NetworkSettings: z.object({ Networks: z.record(z.string(), z.object({ IPAddress: z.string() })) }),
  Mounts: z.array(
    z.object({
      Type: z.string(),
      Name: z.string().optional(),
      Source: z.string(),
      Destination: z.string(),
      RW: z.boolean(),
    }),
  ),
});
export type Inspection = z.infer<typeof Inspection>;

export async function inspect(container: string): Promise<Inspection> {
  const { stdout } = await execa('docker', ['inspect', container]);
  return z.tuple([Inspection]).parse(JSON.parse(stdout))[0];
}

/** Everything in which a running container differs from the table. */
export function problemsOfContainer(
  seen: Inspection,
  expected: ExpectedService,
  places: Places,
  project: string,
): readonly string[] {
  const problems: string[] = [];
  const same = (what: string, value: unknown, wanted: unknown) => {
    if (JSON.stringify(value) !== JSON.stringify(wanted))
      problems.push(`${what} is ${JSON.stringify(value)}, not ${JSON.stringify(wanted)}`);
  };
  const host = seen.HostConfig;
  same('user', seen.Config.User, expected.user === 'operator' ? places.operator : expected.user);
  same('read-only root', host.ReadonlyRootfs, true);
  same('privileged', host.Privileged, false);
  same('dropped capabilities', host.CapDrop, ['ALL']);
  same('added capabilities', (host.CapAdd ?? []).map((name) => name.replace(/^CAP_/, '')).sort(), [
    ...expected.capabilities,
  ]);
  same('security options', host.SecurityOpt, ['no-new-privileges:true']);
  same('process namespace', host.PidMode, '');
  same('memory sharing', host.IpcMode, 'private');
  same('host name namespace', host.UTSMode, '');
  same('devices', host.Devices ?? [], []);
  same(
    'published ports',
    Object.entries(host.PortBindings ?? {}).flatMap(([port, bindings]) =>
      (bindings ?? []).map(({ HostIp }) => `${HostIp} to ${port}`),
    ),
    Object.keys(expected.ports).map((port) => `${loopback} to ${port}/tcp`),
  );
  same('extra hosts', (host.ExtraHosts ?? []).map(hostName), [...expected.extraHosts]);
  same('kernel settings', host.Sysctls ?? {}, expected.kernelSettings);
  same('memory', host.Memory, expected.memoryBytes);
  same('processor time', host.NanoCpus, (expected.cpus ?? 0) * 1e9);
  same('processes', host.PidsLimit, expected.pids);
  same('memory images', host.Ulimits, [{ Name: 'core', Soft: 0, Hard: 0 }]);
  same('restart', host.RestartPolicy.Name, expected.restart);
  same('init', host.Init, true);
  same('log driver', host.LogConfig.Type, expected.outputIsKept ? 'json-file' : 'none');
  same(
    'networks',
    Object.keys(seen.NetworkSettings.Networks).sort(),
    expected.networks.length === 0 ? ['none'] : expected.networks.map((name) => `${project}_${name}`),
  );
  if (expected.networks.length === 0) same('address', seen.NetworkSettings.Networks['none']?.IPAddress, '');
  same('places in memory', Object.keys(host.Tmpfs ?? {}), [...expected.tmpfs]);
  const mounts = seen.Mounts.filter((mount) => mount.Type !== 'tmpfs')
    .map((mount) =>
      [mount.Destination, mount.Type, mount.Name ?? mount.Source, mount.RW ? 'writable' : 'read-only'].join(' '),
    )
    .sort();
  const wanted = Object.entries(expected.mounts)
    .map(([target, mount]) =>
      [
        target,
        mount.kind,
        mount.kind === 'volume' ? `${project}_${mount.source}` : placeOf(mount.source, places),
        mount.readOnly ? 'read-only' : 'writable',
      ].join(' '),
    )
    .sort();
  same('mounts', mounts, wanted);
  if (expected.health) same('health', seen.State.Health?.Status, 'healthy');
  return problems;
}
