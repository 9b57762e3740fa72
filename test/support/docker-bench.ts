import { execa } from 'execa';
import { z } from 'zod';

/** What the engine says of a container, as far as section 5 of the CIS Docker Benchmark asks for it. */
const Seen = z.object({
  Name: z.string(),
  AppArmorProfile: z.string(),
  ProcessLabel: z.string(),
  State: z.object({ Health: z.object({ Status: z.string() }).optional() }),
  Config: z.object({
    Image: z.string(),
    Labels: z.record(z.string(), z.string()).nullable(),
    Healthcheck: z.object({ Test: z.array(z.string()).nullish() }).nullish(),
  }),
  HostConfig: z.object({
    CapAdd: z.array(z.string()).nullable(),
    CapDrop: z.array(z.string()).nullable(),
    Privileged: z.boolean(),
    PortBindings: z
      .record(z.string(), z.array(z.object({ HostIp: z.string(), HostPort: z.string() })).nullable())
      .nullable(),
    NetworkMode: z.string(),
    Memory: z.int(),
    CpuShares: z.int(),
    NanoCpus: z.int(),
    ReadonlyRootfs: z.boolean(),
    RestartPolicy: z.object({ Name: z.string(), MaximumRetryCount: z.int() }),
    PidMode: z.string(),
    IpcMode: z.string(),
    UTSMode: z.string(),
    UsernsMode: z.string(),
    CgroupParent: z.string(),
    Devices: z.array(z.unknown()).nullable(),
    DeviceRequests: z.array(z.unknown()).nullable(),
    Ulimits: z.array(z.unknown()).nullable(),
    SecurityOpt: z.array(z.string()).nullable(),
    PidsLimit: z.int().nullable(),
    PublishAllPorts: z.boolean(),
  }),
  Mounts: z.array(z.object({ Type: z.string(), Source: z.string(), Propagation: z.string() })),
});
type Seen = z.infer<typeof Seen> & { readonly service: string; readonly processes: readonly string[] };

/** Of the engine itself. */
export type Host = { readonly swarm: boolean; readonly appArmor: boolean; readonly seLinux: boolean };

type Rule = { readonly id: string; readonly title: string; readonly holds: (seen: Seen, host: Host) => boolean };

const systemFolders = ['/boot', '/dev', '/etc', '/lib', '/proc', '/sys', '/usr'];
const capabilitiesThatServe: Readonly<Record<string, readonly string[]>> = {
  init: ['CHOWN', 'DAC_OVERRIDE', 'FOWNER'],
};
const ports: Readonly<Record<string, readonly string[]>> = { door: ['7860/tcp'], synapse: ['8008/tcp'] };

/**
 * Section 5 of the CIS Docker Benchmark 1.6, as `docker-bench-security` numbers and checks it, over one container. Of those that ask
 * the host's audit log (5.23, 5.24) nothing is to be seen in a container: nobody's `docker exec` is part of the product.
 */
export const section5: readonly Rule[] = [
  { id: '5.1', title: 'swarm mode is not enabled', holds: (_, host) => !host.swarm },
  {
    id: '5.2',
    title: 'an AppArmor profile where the host has AppArmor',
    holds: ({ AppArmorProfile: profile }, host) => !host.appArmor || (profile !== '' && profile !== 'unconfined'),
  },
  {
    id: '5.3',
    title: 'an SELinux label where the host has SELinux',
    holds: ({ ProcessLabel: label }, host) => !host.seLinux || label !== '',
  },
  {
    id: '5.4',
    title: 'no capability but those that it needs',
    holds: ({ service, HostConfig: { CapDrop, CapAdd } }) =>
      CapDrop?.includes('ALL') === true &&
      (CapAdd ?? []).every((name) => capabilitiesThatServe[service]?.includes(name.replace(/^CAP_/, '')) === true),
  },
  { id: '5.5', title: 'not privileged', holds: ({ HostConfig }) => !HostConfig.Privileged },
  {
    id: '5.6',
    title: 'no system folder of the host',
    holds: ({ Mounts }) =>
      Mounts.every(
        ({ Type, Source }) =>
          Type !== 'bind' ||
          (Source !== '/' && !systemFolders.some((folder) => Source === folder || Source.startsWith(`${folder}/`))),
      ),
  },
  { id: '5.7', title: 'no sshd', holds: ({ processes }) => !processes.some((name) => /sshd/.test(name)) },
  {
    id: '5.8',
    title: 'no privileged port',
    holds: (seen) => bindingsOf(seen).every(({ HostPort }) => Number(HostPort) >= 1024),
  },
  {
    id: '5.9',
    title: 'no port but the ones that are needed',
    holds: ({ service, HostConfig: { PortBindings, PublishAllPorts } }) =>
      !PublishAllPorts && Object.keys(PortBindings ?? {}).every((port) => ports[service]?.includes(port) === true),
  },
  { id: '5.10', title: 'not the host’s network', holds: ({ HostConfig }) => HostConfig.NetworkMode !== 'host' },
  { id: '5.11', title: 'a limit of memory', holds: ({ HostConfig }) => HostConfig.Memory > 0 },
  {
    id: '5.12',
    title: 'a limit, or a weight, of processor time',
    holds: ({ HostConfig: { CpuShares, NanoCpus } }) => CpuShares > 0 || NanoCpus > 0,
  },
  { id: '5.13', title: 'a read-only root', holds: ({ HostConfig }) => HostConfig.ReadonlyRootfs },
  {
    id: '5.14',
    title: 'ports on one interface',
    holds: (seen) => bindingsOf(seen).every(({ HostIp }) => HostIp === '127.0.0.1'),
  },
  {
    id: '5.15',
    title: 'not restarted more than five times',
    holds: ({ HostConfig: { RestartPolicy: policy } }) =>
      policy.Name === 'no' || (policy.Name === 'on-failure' && policy.MaximumRetryCount <= 5),
  },
  { id: '5.16', title: 'not the host’s processes', holds: ({ HostConfig }) => HostConfig.PidMode === '' },
  {
    id: '5.17',
    title: 'not the host’s shared memory',
    holds: ({ HostConfig }) => ['private', 'none'].includes(HostConfig.IpcMode),
  },
  {
    id: '5.18',
    title: 'no device of the host',
    holds: ({ HostConfig: { Devices, DeviceRequests } }) =>
      (Devices ?? []).length + (DeviceRequests ?? []).length === 0,
  },
  {
    id: '5.19',
    title: 'limits of its own instead of the engine’s',
    holds: ({ HostConfig }) => HostConfig.Ulimits !== null && HostConfig.Ulimits.length > 0,
  },
  {
    id: '5.20',
    title: 'no mount that is shared with the host',
    holds: ({ Mounts }) => Mounts.every(({ Propagation }) => !/shared/.test(Propagation)),
  },
  { id: '5.21', title: 'not the host’s name', holds: ({ HostConfig }) => HostConfig.UTSMode === '' },
  {
    id: '5.22',
    title: 'the filter of system calls',
    holds: ({ HostConfig }) => !(HostConfig.SecurityOpt ?? []).some((option) => /seccomp[=:]unconfined/.test(option)),
  },
  { id: '5.25', title: 'the cgroup that the engine gives', holds: ({ HostConfig }) => HostConfig.CgroupParent === '' },
  {
    id: '5.26',
    title: 'no new privileges',
    holds: ({ HostConfig }) =>
      (HostConfig.SecurityOpt ?? []).some((option) => /^no-new-privileges(?:[=:]true)?$/.test(option)),
  },
  { id: '5.27', title: 'a health check', holds: ({ State }) => State.Health !== undefined },
  {
    id: '5.28',
    title: 'no tag that moves',
    holds: ({ Config }) => !/:latest$/.test(Config.Image) && /:|^sha256/.test(Config.Image),
  },
  { id: '5.29', title: 'a limit of processes', holds: ({ HostConfig }) => (HostConfig.PidsLimit ?? 0) > 0 },
  {
    id: '5.30',
    title: 'not the engine’s own bridge',
    holds: ({ HostConfig }) => !['default', 'bridge'].includes(HostConfig.NetworkMode),
  },
  { id: '5.31', title: 'not the host’s users', holds: ({ HostConfig }) => HostConfig.UsernsMode !== 'host' },
  {
    id: '5.32',
    title: 'not the engine’s socket',
    holds: ({ Mounts }) => !Mounts.some(({ Source }) => /docker\.sock$|containerd\.sock$/.test(Source)),
  },
];

const comesBack = 'a service that was killed comes back by itself, however often: work under way depends on it';
const endsByItself = 'a one-shot: it ends, and by its exit code Compose knows how';
/** Where a rule does not hold, and why that is right. */
export const exceptions: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  '5.15': Object.fromEntries(
    ['runner', 'launcher', 'gateway', 'matrix-listener', 'dashboard', 'door', 'synapse', 'rehearsal-model'].map(
      (service) => [service, comesBack],
    ),
  ),
  '5.27': {
    init: endsByItself,
    enrol: endsByItself,
    sandbox: 'the check of the image: it ends',
    'a sandbox of a task': 'the runner hears its agent; a check would be a process that nobody asked for',
  },
  '5.32': { launcher: 'the one service that makes containers; it has no network and runs nothing of a sandbox’s' },
};

/** The engine's own, and every container of a stack and of its tasks. */
export async function look(project: string): Promise<{ readonly host: Host; readonly containers: readonly Seen[] }> {
  const { stdout: info } = await execa('docker', ['info', '--format', '{{json .}}']);
  const { Swarm, SecurityOptions } = z
    .object({ Swarm: z.object({ LocalNodeState: z.string() }), SecurityOptions: z.array(z.string()) })
    .parse(JSON.parse(info));
  const host = {
    swarm: Swarm.LocalNodeState !== 'inactive',
    appArmor: SecurityOptions.some((option) => option.includes('apparmor')),
    seLinux: SecurityOptions.some((option) => option.includes('selinux')),
  };
  const ids: string[] = [];
  for (const label of [`com.docker.compose.project=${project}`, `countersign.project=${project}`]) {
    const { stdout } = await execa('docker', ['ps', '--all', '--quiet', '--no-trunc', '--filter', `label=${label}`]);
    ids.push(...stdout.split('\n').filter((id) => id !== ''));
  }
  // One that has ended meanwhile is none of them any more.
  const { stdout } = await execa('docker', ['inspect', ...ids], { reject: false });
  const seen = z.array(Seen).parse(JSON.parse(stdout));
  const containers = await Promise.all(
    seen.map(async (one) => {
      const top = await execa('docker', ['top', one.Name.slice(1), '-eo', 'comm'], { reject: false });
      const service = one.Config.Labels?.['com.docker.compose.service'] || 'a sandbox of a task';
      return { ...one, service, processes: (top.stdout ?? '').split('\n').slice(1) };
    }),
  );
  return { host, containers };
}

function bindingsOf({ HostConfig }: Seen) {
  return Object.values(HostConfig.PortBindings ?? {}).flatMap((bindings) => bindings ?? []);
}
