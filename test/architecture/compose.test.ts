import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';
import { type Places, problemsOfCompose } from '../support/check-compose.ts';
import { root } from '../support/stack.ts';

const places: Places = {
  home: '/srv/agentic',
  secrets: '/srv/secrets',
  configs: join(root, 'configs'),
  engine: '/var/run/docker.sock',
  operator: '1234:5678',
};
const environment = {
  PATH: process.env['PATH'] ?? '',
  HOME: process.env['HOME'] ?? '',
  AGENTIC_HOME: places.home,
  COUNTERSIGN_SECRETS: places.secrets,
  COUNTERSIGN_UID: '1234',
  COUNTERSIGN_GID: '5678',
};
/** Compose itself reads the file for each removal. */
const atOnce = 4;
const hardeningKeys = [
  'user',
  'init',
  'read_only',
  'cap_drop',
  'security_opt',
  'restart',
  'pids_limit',
  'ulimits',
  'mem_limit',
  'cpus',
  'network_mode',
  'networks',
  'logging',
  'healthcheck',
  'ports',
  'sysctls',
];

type Compose = { services: Record<string, Record<string, unknown>>; networks: Record<string, unknown> };
let folder: string;
let original: Compose;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'countersign-compose-'));
  // Merge keys resolved, so that a key can be taken from one service alone.
  original = z
    .custom<Compose>()
    .parse(parse(await readFile(join(root, 'docker-compose.yml'), 'utf8'), { merge: true }));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function resolve(file: string): Promise<unknown> {
  const flags = ['--project-directory', root, '--env-file', join(root, '.env'), '--file', file];
  const profiles = ['model', 'rehearsal', 'synapse', 'tools'].flatMap((profile) => ['--profile', profile]);
  const { stdout } = await execa('docker', ['compose', ...flags, ...profiles, 'config', '--format', 'json'], {
    env: environment,
    extendEnv: false,
  });
  return JSON.parse(stdout);
}

async function problemsAfter(change: (copy: Compose) => unknown): Promise<readonly string[]> {
  const copy = structuredClone(original);
  change(copy);
  const file = join(folder, `${crypto.randomUUID()}.json`);
  await writeFile(file, JSON.stringify(copy));
  return [...problemsOfSource(copy), ...problemsOfCompose(await resolve(file), places)];
}

/** What a resolved file no longer shows: whether a missing source would be made is left to each Compose version's default. */
function problemsOfSource(copy: Compose): readonly string[] {
  const Mount = z.object({
    type: z.string(),
    target: z.string(),
    bind: z.object({ create_host_path: z.literal(false) }).optional(),
  });
  return Object.entries(copy.services).flatMap(([service, definition]) =>
    z
      .array(Mount)
      .parse(definition['volumes'] ?? [])
      .filter((mount) => mount.type === 'bind' && mount.bind === undefined)
      .map((mount) => `${service}: mount ${mount.target} does not say create_host_path: false`),
  );
}

test('the compose file is what the table says', async () => {
  expect(problemsOfCompose(await resolve(join(root, 'docker-compose.yml')), places)).toEqual([]);
  expect(problemsOfSource(original)).toEqual([]);
});

test('a resolved copy of it is, too, so that a finding below is the change and not the copy', async () => {
  expect(await problemsAfter(() => undefined)).toEqual([]);
});

describe('is red for each hardening key that is taken away', () => {
  const removals = async () => {
    const found: { name: string; change: (copy: Compose) => unknown }[] = [];
    for (const [service, definition] of Object.entries(original.services)) {
      for (const key of hardeningKeys.filter((candidate) => candidate in definition && definition[candidate] !== 0)) {
        found.push({ name: `${service}.${key}`, change: (copy) => void delete copy.services[service]?.[key] });
      }
      const volumes = z.array(z.record(z.string(), z.unknown())).parse(definition['volumes'] ?? []);
      for (const [index, volume] of volumes.entries()) {
        for (const key of ['read_only', 'bind'].filter((candidate) => candidate in volume)) {
          const change = (copy: Compose) => {
            const copied = copy.services[service]?.['volumes'];
            if (Array.isArray(copied)) delete copied[index][key];
          };
          found.push({ name: `${service}.volumes[${index}].${key}`, change });
        }
      }
    }
    for (const network of Object.keys(original.networks)) {
      if (JSON.stringify(original.networks[network]) !== '{}')
        found.push({ name: `networks.${network}`, change: (copy) => Object.assign(copy.networks, { [network]: {} }) });
    }
    return found;
  };

  test('N of N times', async () => {
    const all = await removals();
    expect(all.length).toBeGreaterThan(100);
    const unnoticed: string[] = [];
    const left = [...all];
    const look = async () => {
      for (let next = left.pop(); next !== undefined; next = left.pop())
        if ((await problemsAfter(next.change)).length === 0) unnoticed.push(next.name);
    };
    await Promise.all(Array.from({ length: atOnce }, look));
    expect(unnoticed).toEqual([]);
  });
});

test.each([
  ['privileged', { privileged: true }],
  ['a device', { devices: ['/dev/kmsg:/dev/kmsg'] }],
  ["the host's processes", { pid: 'host' }],
  ["the host's memory", { ipc: 'host' }],
  ['a published port', { ports: ['7860:7860'] }],
  ['a port that is published on this host alone', { ports: ['127.0.0.1:7860:7860'] }],
  ['a capability', { cap_add: ['SYS_ADMIN'] }],
  ['a mount', { volumes: [{ type: 'bind', source: '/', target: '/host', bind: { create_host_path: false } }] }],
  ['another host name', { extra_hosts: ['model:127.0.0.1'] }],
  ['a kernel setting', { sysctls: { 'net.ipv4.ip_forward': '1' } }],
  ['another runtime', { runtime: 'other' }],
])('is red when a service is given %s', async (_what, addition) => {
  const problems = await problemsAfter((copy) => Object.assign(copy.services['cli'] ?? {}, addition));
  expect(problems).not.toEqual([]);
});

test.each([
  ['on every address', ['8008:8008']],
  ['on an address of the network', ['192.168.1.20:8008:8008']],
  ['of everything', ['0.0.0.0:8008:8008']],
  ['of IPv6', ['[::]:8008:8008']],
  ['for another one of the container', ['127.0.0.1:8008:9000']],
  ['twice', ['127.0.0.1:8008:8008', '8009:8008']],
  ['for datagrams', ['127.0.0.1:8008:8008/udp']],
  ['by the name of no address', ['8008']],
])('is red when the port of Synapse is published %s', async (_what, ports) => {
  const problems = await problemsAfter((copy) => Object.assign(copy.services['synapse'] ?? {}, { ports }));
  expect(problems.join('\n')).toMatch(/^synapse: [\s\S]*ports/);
});

test.each([
  ['on every address', ['7860:7860']],
  ['of everything', ['0.0.0.0:7860:7860']],
  ['for another one of the container', ['127.0.0.1:7860:9000']],
])('W01 is red when the port of the page is published %s', async (_what, ports) => {
  const problems = await problemsAfter((copy) => Object.assign(copy.services['door'] ?? {}, { ports }));
  expect(problems.join('\n')).toMatch(/^door: [\s\S]*ports/);
});

test('is red when somebody masquerades for the page’s network', async () => {
  const key = 'com.docker.network.bridge.enable_ip_masquerade';
  const problems = await problemsAfter((copy) =>
    Object.assign(copy.networks, { page: { driver_opts: { [key]: 'true' } } }),
  );
  expect(problems.join('\n')).toMatch(/^network page: /);
});

test.each(['launcher', 'runner', 'cli', 'matrix-listener', 'dashboard'])(
  'is red when %s joins a network with a way out',
  async (name) => {
    const problems = await problemsAfter((copy) => {
      delete copy.services[name]?.['network_mode'];
      Object.assign(copy.services[name] ?? {}, { networks: ['homeserver'] });
    });
    expect(problems).not.toEqual([]);
  },
);
