import type { Inspection } from '../container.ts';
import type { Image } from '../image.ts';
import type { ContainerOptions } from '../policy.ts';

/** What engine 26.1.5 reports, before the start, of a container made with these options; taken from a real answer. */
export function inspectionOf(id: string, name: string, options: ContainerOptions, image: Image): Inspection {
  const { HostConfig, ...config } = options;
  return {
    Id: id,
    Name: `/${name}`,
    Created: '2026-11-20T10:00:00.000000000Z',
    AppArmorProfile: '',
    State: { Status: 'created', ExitCode: 0, OOMKilled: false, StartedAt: '0001-01-01T00:00:00Z' },
    Config: {
      ...config,
      Env: image.config['Env'],
      Cmd: image.config['Cmd'],
      Entrypoint: image.config['Entrypoint'],
      Volumes: null,
      OnBuild: null,
      Labels: { ...(image.config['Labels'] as Record<string, string>), ...config.Labels },
    },
    HostConfig: {
      ...unsetHostConfig,
      ...HostConfig,
    },
    NetworkSettings: { ...unsetNetwork, HairpinMode: false, Networks: { none: { ...unsetNetwork, DNSNames: null } } },
    Mounts: HostConfig.Mounts.map((mount) => ({
      Type: 'volume',
      Name: mount.Source,
      Source: `/var/lib/docker/volumes/${mount.Source}/_data`,
      Destination: mount.Target,
      Driver: 'local',
      Mode: 'z',
      RW: false,
      Propagation: '',
    })),
  };
}

const unsetHostConfig = {
  ContainerIDFile: '',
  VolumeDriver: '',
  ConsoleSize: [0, 0],
  Dns: null,
  DnsOptions: null,
  DnsSearch: null,
  Cgroup: '',
  Isolation: '',
  CpuShares: 0,
  BlkioWeight: 0,
  BlkioWeightDevice: null,
  CpuPeriod: 0,
  CpuQuota: 0,
  CpusetCpus: '',
  CpusetMems: '',
  MemoryReservation: 0,
  MemorySwappiness: null,
  CpuCount: 0,
  IOMaximumBandwidth: 0,
  MaskedPaths: [
    '/proc/asound',
    '/proc/acpi',
    '/proc/kcore',
    '/proc/keys',
    '/proc/latency_stats',
    '/proc/timer_list',
    '/proc/timer_stats',
    '/proc/sched_debug',
    '/proc/scsi',
    '/sys/firmware',
    '/sys/devices/virtual/powercap',
  ],
  ReadonlyPaths: ['/proc/bus', '/proc/fs', '/proc/irq', '/proc/sys', '/proc/sysrq-trigger'],
};

const unsetNetwork = {
  SandboxID: '',
  EndpointID: '',
  Gateway: '',
  IPAddress: '',
  IPPrefixLen: 0,
  IPv6Gateway: '',
  GlobalIPv6Address: '',
  GlobalIPv6PrefixLen: 0,
  MacAddress: '',
};
