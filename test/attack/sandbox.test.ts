import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { chmod, chown, copyFile, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { callEverywhere } from '../support/call-everywhere.ts';
import { MetadataServices } from '../support/metadata-services.ts';
import { Neighbour } from '../support/neighbour.ts';
import { type Changes, type Ended, firstWord, runShipped } from '../support/shipped-sandbox.ts';
import { root } from '../support/stack.ts';
import { type Attack, attacks, type Ground } from './attacks.ts';
import { inGvisor } from './in-gvisor.ts';
import { profiles } from './profiles.ts';
import { Report, type Verdict } from './report.ts';

/** The probe's exit codes; any other one is that of something else which ended it. */
const verdicts = { blocked: 0, reached: 10 } as const;
/** Of a container that the kernel killed for its memory. */
const killed = 137;

const report = new Report();
let folder: string;
let neighbour: Neighbour;
let clouds: MetadataServices;
let target: ChildProcess;
let ground: Ground;
const servers: Server[] = [];
/** Connections to anything of this host's that listens for the attacks. */
let heard = 0;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'countersign-attack-'));
  const [probe, marked, slot] = [join(folder, 'probe'), join(folder, 'marked'), join(folder, 'slot')];
  await mkdir(slot);
  await execa('gcc', ['-O1', '-Wall', '-Wextra', '-Werror', '-static', '-o', probe, join(root, 'test/attack/probe.c')]);
  await copyFile(probe, marked);
  await chown(marked, 0, 0);
  await chmod(marked, 0o4755);
  neighbour = await Neighbour.join();
  const secrets = await layOutSecrets();
  const shared = join(folder, 'shared');
  await mkdir(shared);
  await chmod(shared, 0o777);
  clouds = await MetadataServices.start([`${secrets.beginning}-38`, `${secrets.beginning}-39`]);
  target = spawn('sleep', ['3600'], {
    stdio: 'ignore',
    env: { PATH: '/bin:/usr/bin', TOKEN: `${secrets.beginning}-37` },
  });
  const bridge = ['network', 'inspect', 'bridge', '--format', '{{(index .IPAM.Config 0).Gateway}}'];
  const { stdout: address } = await execa('docker', bridge);
  const abstract = `countersign-attack-${target.pid}`;
  const socket = join(folder, 'launcher.sock');
  const port = await listen((server) => server.listen(0, address));
  await listen((server) => server.listen(`\0${abstract}`));
  await listen((server) => server.listen(socket));
  ground = {
    neighbour,
    host: { address, port },
    abstract,
    socket,
    process: target.pid ?? 0,
    marked,
    clouds,
    shared,
    secrets,
  };
});

afterAll(async () => {
  await report.write();
  target.kill('SIGKILL');
  for (const server of servers) server.close();
  await neighbour[Symbol.asyncDispose]();
  await clouds[Symbol.asyncDispose]();
  await rm(folder, { recursive: true });
});

/** Forty secrets that are one at the beginning: of these, all but three in a file each. */
async function layOutSecrets(): Promise<Ground['secrets']> {
  const beginning = `countersign-canary-${randomBytes(16).toString('hex')}`;
  const secrets = { beginning, folder: join(folder, 'secrets') };
  await mkdir(secrets.folder);
  for (let count = 0; count < 37; count += 1)
    await writeFile(join(secrets.folder, `secret-${count}`), `${beginning}-${count}`);
  return secrets;
}

async function listen(begin: (server: Server) => void): Promise<number> {
  const server = createServer((socket) => {
    heard += 1;
    socket.destroy();
  });
  begin(server);
  await once(server, 'listening');
  servers.push(server);
  const address = server.address();
  return typeof address === 'object' && address !== null ? address.port : 0;
}

/** What the probe came to, and how often anything outside heard of it. */
async function attempt(
  { probe, other, called }: Attack,
  Runtime: string,
  changes: Changes = {},
): Promise<{ readonly verdict: Verdict; readonly output: string; readonly outside: number }> {
  neighbour.takeHeard();
  clouds.takeHeard();
  const before = heard;
  const Binds = [`${join(folder, 'probe')}:/probe:ro`, ...(changes.HostConfig?.Binds ?? [])];
  const made = { ...changes, HostConfig: { Runtime, ...changes.HostConfig, Binds } };
  const run = (words: readonly string[], whileItRuns?: Parameters<typeof runShipped>[3]) =>
    runShipped(join(folder, 'slot'), ['/probe', ...words], made, whileItRuns);
  const ended = await beside(other, run, () =>
    run(probe(ground), async (container) => {
      if (called === undefined) return;
      await firstWord(container);
      await callEverywhere(container, called, neighbour);
    }),
  );
  return {
    verdict: verdictOf(ended),
    output: ended.output.trim(),
    outside: neighbour.takeHeard().length + clouds.takeHeard().length + heard - before,
  };
}

/** Makes an attempt when another sandbox has come to its end, or while it is there. */
async function beside(
  other: Attack['other'],
  run: (words: readonly string[], whileItRuns?: Parameters<typeof runShipped>[3]) => Promise<Ended>,
  make: () => Promise<Ended>,
): Promise<Ended> {
  if (other === undefined) return await make();
  if (other.when === 'before') {
    expect(await run(other.probe)).toMatchObject({ code: verdicts.blocked });
    return await make();
  }
  let ended: Ended | undefined;
  await run(other.probe, async (container) => {
    await firstWord(container);
    ended = await make();
    // It may have ended by itself; asked to, so that it puts away what it shares.
    await container.kill({ signal: 'SIGTERM' }).catch(() => undefined);
  });
  return ended ?? expect.fail('the attempt was not made');
}

function verdictOf({ code, outOfMemory }: Ended): Verdict {
  if (code === verdicts.reached) return 'reached';
  // What is beyond its limit ends the sandbox itself, which is its end and nobody else's.
  return code === verdicts.blocked || (code === killed && outOfMemory) ? 'blocked' : 'ended';
}

// In gVisor each of them takes a second: all of them are part of the whole run.
const attacked =
  process.env['COUNTERSIGN_TEST_ALL'] === 'yes' ? profiles : profiles.filter(({ name }) => name === 'runc');
describe.each(attacked)('in $name', ({ name, runtime }) => {
  describe.each(attacks)('$id $what', (attack) => {
    const { id, what, given, control } = attack;
    const otherwise = name === 'gVisor' ? inGvisor.get(`${id} ${what}`) : undefined;
    const line = report.begin(id, what, name, otherwise?.why ?? '');

    test('comes to nothing in a sandbox as it is made', async () => {
      const { verdict, output, outside } = await attempt(attack, runtime, given?.(ground));
      line.shipped = verdict;
      expect({ verdict, outside }, output).toEqual({ verdict: otherwise?.shipped ?? 'blocked', outside: 0 });
    });

    if (typeof control === 'string') line.control = control;
    else
      test('succeeds with one protection less', async () => {
        const { verdict, output } = await attempt(attack, runtime, control(ground));
        line.control = verdict;
        expect(verdict, output).toBe(otherwise?.control ?? 'reached');
      });
  });
});

/** What the agent hides its memory with; its own image holds it as a part of the agent's one file. */
const hideMemory = '/hide-memory.ts';
/** A process of the agent's kind starts the probe, and ends as that does. */
function underAgent(isHidden: boolean, probe: string): string[] {
  const hide = isHidden ? `(await import('${hideMemory}')).hideMemory();` : '';
  const start = `(await import('node:child_process')).spawnSync('/probe', ${probe}, { stdio: 'inherit' })`;
  return ['node', '--input-type=module', '-e', `${hide} process.exit(${start}.status ?? 1);`];
}

describe.each(profiles)('S015 the process that verifies, in $name', ({ name, runtime }) => {
  const probes = [
    ['its memory, to write', "['open', '/proc/' + process.pid + '/mem', 'w']"],
    ['tracing it', "['ptrace', String(process.pid)]"],
  ] as const;
  // Where Linux or gVisor lets nobody trace but those that it started, that is a second protection.
  const isGuarded = name === 'gVisor' || guardedByYama();

  test.each(probes)('%s: comes to nothing for what it starts', async (_, probe) => {
    expect(await begin(underAgent(true, probe), runtime)).toBe('blocked');
  });

  test.each(probes)('%s: succeeds where it does not hide', async (_, probe) => {
    expect(await begin(underAgent(false, probe), runtime)).toBe(isGuarded ? 'blocked' : 'reached');
  });
});

async function begin(command: readonly string[], Runtime: string): Promise<Verdict> {
  const source = join(root, 'services/sandbox-agent/src/hide-memory.ts');
  const Binds = [`${join(folder, 'probe')}:/probe:ro`, `${source}:${hideMemory}:ro`];
  return verdictOf(await runShipped(join(folder, 'slot'), command, { HostConfig: { Runtime, Binds } }));
}

function guardedByYama(): boolean {
  const setting = '/proc/sys/kernel/yama/ptrace_scope';
  return existsSync(setting) && readFileSync(setting, 'utf8').trim() !== '0';
}

test('of no more than eight attacks it is only said why there is no control', () => {
  expect(attacks.filter(({ control }) => typeof control === 'string').length).toBeLessThanOrEqual(8);
});

test('what is other in gVisor is said of attacks that are tried', () => {
  const tried = new Set(attacks.map(({ id, what }) => `${id} ${what}`));
  expect([...inGvisor.keys()].filter((key) => !tried.has(key))).toEqual([]);
});
