import { z } from 'zod';
import {
  type ExpectedMount,
  type ExpectedService,
  expectedServices,
  internalNetworks,
  unmasqueradedNetworks,
} from './expected-services.ts';

const Volume = z.strictObject({
  type: z.string(),
  source: z.string().optional(),
  target: z.string(),
  read_only: z.boolean().optional(),
  // `create_host_path: false` shows as an empty object, `true` as itself.
  bind: z.strictObject({ create_host_path: z.boolean().optional() }).optional(),
  volume: z.strictObject({}).optional(),
});

/** Every key that a service may have; any other one is a finding, for it could take hardening back. */
const Service = z.strictObject({
  image: z.string(),
  labels: z.strictObject({ 'countersign.configs': z.string() }).optional(),
  build: z.unknown().optional(),
  profiles: z.array(z.string()).optional(),
  command: z.unknown().optional(),
  entrypoint: z.unknown().optional(),
  depends_on: z.unknown().optional(),
  stop_grace_period: z.string().optional(),
  user: z.string().optional(),
  init: z.boolean().optional(),
  read_only: z.boolean().optional(),
  cap_drop: z.array(z.string()).optional(),
  cap_add: z.array(z.string()).optional(),
  security_opt: z.array(z.string()).optional(),
  restart: z.string().optional(),
  pids_limit: z.number().optional(),
  mem_limit: z.string().optional(),
  cpus: z.number().optional(),
  // As it is shown, `0` is an empty object.
  ulimits: z.record(z.string(), z.unknown()).optional(),
  network_mode: z.string().optional(),
  networks: z.record(z.string(), z.unknown()).optional(),
  environment: z.record(z.string(), z.string().nullable()).optional(),
  tmpfs: z.array(z.string()).optional(),
  extra_hosts: z.array(z.string()).optional(),
  sysctls: z.record(z.string(), z.string()).optional(),
  ports: z
    .array(
      z.strictObject({
        mode: z.literal('ingress'),
        host_ip: z.string().optional(),
        target: z.number(),
        published: z.string(),
        protocol: z.literal('tcp'),
      }),
    )
    .optional(),
  volumes: z.array(Volume).optional(),
  logging: z.object({ driver: z.string(), options: z.record(z.string(), z.string()).optional() }).optional(),
  healthcheck: z.object({ test: z.array(z.string()) }).optional(),
});

const ComposeConfig = z.object({
  services: z.record(z.string(), z.unknown()),
  networks: z.record(
    z.string(),
    z.object({
      internal: z.boolean().optional(),
      driver: z.literal('bridge').optional(),
      driver_opts: z.record(z.string(), z.string()).optional(),
    }),
  ),
});

/** Where a port may be published: what reaches it is on this host already. */
export const loopback = '127.0.0.1';

export type Places = {
  readonly home: string;
  readonly secrets: string;
  readonly configs: string;
  readonly engine: string;
  readonly operator: string;
};

/** Everything in which a resolved compose file (`docker compose config --format json`) differs from the table. */
export function problemsOfCompose(config: unknown, places: Places): readonly string[] {
  const { services, networks } = ComposeConfig.parse(config);
  const names = [...new Set([...Object.keys(services), ...Object.keys(expectedServices)])];
  const problems = names.flatMap((name) => {
    const expected = expectedServices[name];
    if (expected === undefined) return [`${name}: not in the table`];
    if (services[name] === undefined) return [`${name}: missing`];
    const parsed = Service.safeParse(services[name]);
    if (!parsed.success) return [`${name}: ${z.prettifyError(parsed.error)}`];
    return problemsOfService(parsed.data, expected, places).map((problem) => `${name}: ${problem}`);
  });
  for (const name of internalNetworks)
    if (networks[name]?.internal !== true) problems.push(`network ${name}: has a way out`);
  for (const name of unmasqueradedNetworks)
    if (networks[name]?.driver_opts?.['com.docker.network.bridge.enable_ip_masquerade'] !== 'false')
      problems.push(`network ${name}: is masqueraded, and so has a way out`);
  return problems;
}

function problemsOfService(
  service: z.infer<typeof Service>,
  expected: ExpectedService,
  places: Places,
): readonly string[] {
  const problems: string[] = [];
  const same = (what: string, seen: unknown, wanted: unknown) => {
    if (JSON.stringify(seen) !== JSON.stringify(wanted))
      problems.push(`${what} is ${JSON.stringify(seen)}, not ${JSON.stringify(wanted)}`);
  };
  same('user', service.user, expected.user === 'operator' ? places.operator : expected.user);
  same('init', service.init, true);
  same('read_only', service.read_only, true);
  same('cap_drop', service.cap_drop, ['ALL']);
  same('cap_add', [...(service.cap_add ?? [])].sort(), [...expected.capabilities]);
  same('security_opt', service.security_opt, ['no-new-privileges:true']);
  same('restart', service.restart, expected.restart);
  same('pids_limit', service.pids_limit, expected.pids);
  same('ulimits', service.ulimits, { core: {} });
  same('mem_limit', Number(service.mem_limit ?? Number.NaN), expected.memoryBytes);
  same('cpus', service.cpus ?? null, expected.cpus);
  same('network_mode', service.network_mode, expected.networks.length === 0 ? 'none' : undefined);
  same('networks', Object.keys(service.networks ?? {}).sort(), [...expected.networks]);
  same('environment', Object.keys(service.environment ?? {}).sort(), [...expected.environment]);
  same(
    'tmpfs',
    (service.tmpfs ?? []).map((entry) => entry.split(':')[0]),
    [...expected.tmpfs],
  );
  for (const entry of service.tmpfs ?? [])
    if (!/nosuid,nodev/.test(entry) || !/size=/.test(entry)) problems.push(`tmpfs ${entry} is not bounded`);
  same('extra_hosts', (service.extra_hosts ?? []).map(hostName), [...expected.extraHosts]);
  same('sysctls', service.sysctls ?? {}, expected.kernelSettings);
  same(
    'ports',
    (service.ports ?? []).map((port) => `${port.host_ip ?? 'every address'} to ${port.target}`),
    Object.keys(expected.ports).map((port) => `${loopback} to ${port}`),
  );
  const kept = { driver: 'json-file', options: { 'max-file': '3', 'max-size': '10m' } };
  same('logging', service.logging, expected.outputIsKept ? kept : { driver: 'none' });
  same('healthcheck', service.healthcheck !== undefined, expected.health);
  return [...problems, ...problemsOfMounts(service.volumes ?? [], expected.mounts, places)];
}

function problemsOfMounts(
  volumes: readonly z.infer<typeof Volume>[],
  expected: Readonly<Record<string, ExpectedMount>>,
  places: Places,
): readonly string[] {
  const problems = Object.keys(expected)
    .filter((target) => !volumes.some((volume) => volume.target === target))
    .map((target) => `mount ${target} is missing`);
  for (const volume of volumes) {
    const wanted = expected[volume.target];
    if (wanted === undefined) problems.push(`mount ${volume.target} is not in the table`);
    else {
      const seen = { kind: volume.type, source: volume.source, readOnly: volume.read_only ?? false };
      const source = wanted.kind === 'volume' ? wanted.source : placeOf(wanted.source, places);
      if (JSON.stringify(seen) !== JSON.stringify({ ...wanted, source }))
        problems.push(`mount ${volume.target} is ${JSON.stringify(seen)}`);
      if (volume.bind?.create_host_path === true) problems.push(`mount ${volume.target} would make a missing source`);
    }
  }
  return problems;
}

/** The name in `name:address` or `name=address`. */
export function hostName(entry: string): string {
  return entry.split(/[:=]/)[0] ?? '';
}

/** A source of the table as a path of this host. */
export function placeOf(source: string, places: Places): string {
  const [first = '', ...rest] = source.split('/');
  const roots: Readonly<Record<string, string>> = {
    home: places.home,
    secrets: places.secrets,
    configs: places.configs,
    engine: places.engine,
  };
  return [roots[first] ?? first, ...rest].join('/');
}
