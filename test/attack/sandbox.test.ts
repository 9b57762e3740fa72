import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
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

/** The probe's exit codes; any other one is a fault of the test. */
const verdicts = { blocked: 0, reached: 10 } as const;
/** Of a container that the kernel killed for its memory. */
const killed = 137;

let folder: string;
let neighbour: Neighbour;
let clouds: MetadataServices;
let process: ChildProcess;
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
  process = spawn('sleep', ['3600'], {
    stdio: 'ignore',
    env: { PATH: '/bin:/usr/bin', TOKEN: `${secrets.beginning}-37` },
  });
  const bridge = ['network', 'inspect', 'bridge', '--format', '{{(index .IPAM.Config 0).Gateway}}'];
  const { stdout: address } = await execa('docker', bridge);
  const abstract = `countersign-attack-${process.pid}`;
  const socket = join(folder, 'launcher.sock');
  const port = await listen((server) => server.listen(0, address));
  await listen((server) => server.listen(`\0${abstract}`));
  await listen((server) => server.listen(socket));
  ground = {
    neighbour,
    host: { address, port },
    abstract,
    socket,
    process: process.pid ?? 0,
    marked,
    clouds,
    shared,
    secrets,
  };
});

afterAll(async () => {
  process.kill('SIGKILL');
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
  changes: Changes = {},
): Promise<{ readonly verdict: string; readonly output: string; readonly outside: number }> {
  neighbour.takeHeard();
  clouds.takeHeard();
  const before = heard;
  const Binds = [`${join(folder, 'probe')}:/probe:ro`, ...(changes.HostConfig?.Binds ?? [])];
  const made = { ...changes, HostConfig: { ...changes.HostConfig, Binds } };
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

function verdictOf({ code, outOfMemory }: Ended): string {
  if (code === verdicts.reached) return 'reached';
  // What is beyond its limit ends the sandbox itself, which is its end and nobody else's.
  return code === verdicts.blocked || (code === killed && outOfMemory) ? 'blocked' : `a fault: exit code ${code}`;
}

describe.each(attacks)('$id $what', (attack) => {
  const { given, control } = attack;

  test('comes to nothing in a sandbox as it is made', async () => {
    const { verdict, output, outside } = await attempt(attack, given?.(ground));
    expect({ verdict, outside }, output).toEqual({ verdict: 'blocked', outside: 0 });
  });

  if (typeof control !== 'string')
    test('succeeds with one protection less', async () => {
      const { verdict, output } = await attempt(attack, control(ground));
      expect(verdict, output).toBe('reached');
    });
});

test('of no more than eight attacks it is only said why there is no control', () => {
  expect(attacks.filter(({ control }) => typeof control === 'string').length).toBeLessThanOrEqual(8);
});
