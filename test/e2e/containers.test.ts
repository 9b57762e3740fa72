import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { inspect, problemsOfContainer } from '../support/check-container.ts';
import { exceptions, look, section5 } from '../support/docker-bench.ts';
import { expectedServices } from '../support/expected-services.ts';
import { calling, Neighbour } from '../support/neighbour.ts';
import { root, Stack } from '../support/stack.ts';

const running = ['runner', 'launcher', 'gateway', 'matrix-listener', 'dashboard', 'door', 'synapse', 'rehearsal-model'];
let stack: Stack;

beforeAll(async () => {
  stack = await Stack.up('containers');
});
afterAll(() => stack[Symbol.asyncDispose]());

async function container(service: string): Promise<string> {
  return (await stack.compose('ps', '--all', '--quiet', service)).stdout.trim();
}

async function sandboxOf(slot: string): Promise<string> {
  const { stdout } = await execa('docker', [
    'ps',
    '--quiet',
    '--no-trunc',
    '--filter',
    `label=countersign.sandbox=${slot}`,
  ]);
  return stdout.trim();
}

test.each([...running, 'init', 'enrol', 'sandbox'])('%s runs as the table says', async (service) => {
  const expected = expectedServices[service];
  if (expected === undefined) throw new Error(`${service} is not in the table`);
  expect(
    problemsOfContainer(await inspect(await container(service)), expected, await stack.places(), stack.project),
  ).toEqual([]);
});

test('nothing else of this stack runs but sandboxes', async () => {
  const { stdout } = await execa('docker', [
    'ps',
    '--format',
    '{{.Label "com.docker.compose.service"}}',
    '--filter',
    `label=com.docker.compose.project=${stack.project}`,
  ]);
  expect(stdout.split('\n').sort()).toEqual([...running].sort());
});

test('the command has its help texts in its image', async () => {
  const { stdout } = await stack.compose('run', '--rm', '--no-deps', 'cli', 'show', '--help');
  expect(stdout).toBe((await readFile(join(root, 'services/cli/help/show.txt'), 'utf8')).trimEnd());
});

test('C10 section 5 of the CIS Docker Benchmark holds for every container, but for what is written down', async () => {
  const { host, containers } = await look(stack.project);
  // Warm ones wait; tasks get the same.
  expect(new Set(containers.map(({ service }) => service))).toContain('a sandbox of a task');
  const broken = section5.flatMap(({ id, title, holds }) =>
    containers.filter((seen) => !holds(seen, host)).map(({ service }) => ({ id, title, service })),
  );
  expect(broken.filter(({ id, service }) => exceptions[id]?.[service] === undefined)).toEqual([]);
  // What is written down and would hold all the same is no exception.
  const written = Object.entries(exceptions).flatMap(([id, of]) =>
    Object.keys(of).map((service) => `${id} ${service}`),
  );
  const met = new Set(broken.map(({ id, service }) => `${id} ${service}`));
  expect(written.filter((exception) => !met.has(exception))).toEqual([]);
});

describe('a sandbox', () => {
  test('S006 S042 S056 is bounded as its profile says, has no address but its loopback, and reaches the model through its slot', async () => {
    await stack.drop(
      'bounded.md',
      'workspace: mini-control-plane\nstage: dev\n\nrehearsal: pause 3s\n\ncreate a.txt with one',
    );
    const record = await stack.reaches('bounded.md', ['running']);
    const seen = await inspect(await sandboxOf(record.state.slot ?? ''));
    const mib = 1024 * 1024;
    const memoryBytes = 4096 * mib;
    expect(seen.HostConfig).toMatchObject({
      ReadonlyRootfs: true,
      Privileged: false,
      CapDrop: ['ALL'],
      NetworkMode: 'none',
      IpcMode: 'private',
      CgroupnsMode: 'private',
      PidMode: '',
      Memory: memoryBytes,
      MemorySwap: memoryBytes,
      NanoCpus: 2e9,
      PidsLimit: 256,
      RestartPolicy: { Name: 'no' },
      LogConfig: { Type: 'none' },
    });
    expect(seen.HostConfig.CapAdd ?? []).toEqual([]);
    expect(seen.HostConfig.Devices ?? []).toEqual([]);
    expect(seen.HostConfig.SecurityOpt).toEqual(['no-new-privileges:true', 'seccomp=builtin']);
    expect(seen.Config.User).toBe('65532:65532');
    expect(Object.keys(seen.HostConfig.Tmpfs ?? {}).sort()).toEqual(['/tmp', '/workspace']);
    const mounts = seen.Mounts.filter((mount) => mount.Type !== 'tmpfs');
    expect(mounts.sort((a, b) => a.Destination.localeCompare(b.Destination))).toMatchObject([
      { Type: 'volume', Name: `${stack.project}_model-slots`, Destination: '/model', RW: false },
      { Type: 'volume', Name: `${stack.project}_slots`, Destination: '/slot', RW: false },
    ]);

    const interfaces = await readFile(`/proc/${seen.State.Pid}/net/dev`, 'utf8');
    expect([...interfaces.matchAll(/^\s*([^\s:]+):/gm)].map((match) => match[1])).toEqual(['lo']);
    const addresses = await readFile(`/proc/${seen.State.Pid}/net/fib_trie`, 'utf8');
    expect(
      [...addresses.matchAll(/\|-- (\d+\.\d+\.\d+\.\d+)\n\s+\/32 host LOCAL/g)].map((match) => match[1]),
    ).toSatisfy((all: string[]) => all.every((address) => address.startsWith('127.')));
    const status = await readFile(`/proc/${seen.State.Pid}/status`, 'utf8');
    expect(status).toMatch(/^CapEff:\t0+$/m);
    expect(status).toMatch(/^NoNewPrivs:\t1$/m);
    expect(status).toMatch(/^Seccomp:\t2$/m);

    const done = await stack.reaches('bounded.md', ['review']);
    const completion = (await stack.events(done.run)).find(
      (event) => event.event === 'review_requested' && event.task_id === done.id,
    );
    expect(completion?.tokens?.requests).toBeGreaterThan(0);
    await expect.poll(() => sandboxOf(record.state.slot ?? ''), { timeout: 20_000 }).toBe('');
  });
});

test('S004 the gateway can reach no socket on which the runner listens for a sandbox', async () => {
  await stack.drop(
    'apart.md',
    'workspace: mini-control-plane\nstage: dev\n\nrehearsal: pause 3s\n\ncreate c.txt with 3',
  );
  const { slot } = (await stack.reaches('apart.md', ['running'])).state;
  const socketsOf = async (service: string) => {
    const find = ['find', '/', '-path', '/proc', '-prune', '-o', '-type', 's', '-print'];
    return (await stack.compose('exec', '--no-TTY', service, ...find)).stdout.split('\n');
  };
  const gateway = await socketsOf('gateway');
  const own = ['ollama.sock', 'synapse.sock'].map((name) => `/model-slots/${slot}/${name}`);
  expect(gateway).toEqual(expect.arrayContaining(own));
  expect(gateway.filter((path) => !path.startsWith('/model-slots/'))).toEqual([
    '/run/gateway/gateway.sock',
    '/run/matrix/synapse.sock',
  ]);
  expect(await socketsOf('runner')).toContain(`/slots/${slot}/control.sock`);
  await stack.reaches('apart.md', ['review']);
});

test('W23 who may ask for sandboxes finds no socket for services, and the other way round; the door finds the page alone', async () => {
  const socketsOf = async (service: string) => {
    const find = ['find', '/run', '-type', 's'];
    return (await stack.compose('exec', '--no-TTY', service, ...find)).stdout.trim().split('\n').sort();
  };
  expect(await socketsOf('launcher')).toEqual(['/run/launcher/launcher.sock', '/run/services/services.sock']);
  expect(await socketsOf('runner')).not.toContain('/run/services/services.sock');
  expect(await socketsOf('dashboard')).toEqual(['/run/page/page.sock', '/run/services/services.sock']);
  expect(await socketsOf('door')).toEqual(['/run/page/page.sock']);
});

describe('a machine beside this one', () => {
  let neighbour: Neighbour;
  beforeAll(async () => {
    neighbour = await Neighbour.join();
  });
  afterAll(() => neighbour[Symbol.asyncDispose]());
  const call = (words: readonly string[]) => execa('docker', [...words, 'node', '-e', calling(neighbour)]);

  test('W01 S027 hears neither the page nor its door, whatever they try, and another container at once', async () => {
    const image = (await execa('docker', ['inspect', '--format', '{{.Config.Image}}', await container('door')])).stdout;
    await call(['run', '--rm', '--network', 'bridge', '--label', 'countersign.test', '--entrypoint', '', image]);
    await expect.poll(() => neighbour.takeHeard().length).toBeGreaterThan(0);
    for (const service of ['door', 'dashboard'])
      for (const user of ['0:0', '65532:65532']) await call(['exec', '--user', user, await container(service)]);
    await sleep(1_000);
    expect(neighbour.takeHeard()).toEqual([]);
  });

  test('W01 finds no port of the page', async () => {
    const asked = await neighbour.asks(stack.pagePort);
    expect(asked).toMatch(/ECONNREFUSED|TIMEOUT/);
  });
});
