import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, chown, copyFile, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Neighbour } from '../support/neighbour.ts';
import { type Changes, type Ended, runShipped } from '../support/shipped-sandbox.ts';
import { root } from '../support/stack.ts';
import { type Attack, attacks, type Ground } from './attacks.ts';

/** The probe's exit codes; any other one is a fault of the test. */
const verdicts = { blocked: 0, reached: 10 } as const;
/** Of a container that the kernel killed for its memory. */
const killed = 137;

let folder: string;
let neighbour: Neighbour;
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
  process = spawn('sleep', ['3600'], { stdio: 'ignore' });
  const bridge = ['network', 'inspect', 'bridge', '--format', '{{(index .IPAM.Config 0).Gateway}}'];
  const { stdout: address } = await execa('docker', bridge);
  const abstract = `countersign-attack-${process.pid}`;
  const socket = join(folder, 'launcher.sock');
  const port = await listen((server) => server.listen(0, address));
  await listen((server) => server.listen(`\0${abstract}`));
  await listen((server) => server.listen(socket));
  ground = { neighbour, host: { address, port }, abstract, socket, process: process.pid ?? 0, marked };
});

afterAll(async () => {
  process.kill('SIGKILL');
  for (const server of servers) server.close();
  await neighbour[Symbol.asyncDispose]();
  await rm(folder, { recursive: true });
});

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
  { probe }: Attack,
  changes: Changes = {},
): Promise<{ readonly verdict: string; readonly output: string; readonly outside: number }> {
  neighbour.takeHeard();
  const before = heard;
  const Binds = [`${join(folder, 'probe')}:/probe:ro`, ...(changes.HostConfig?.Binds ?? [])];
  const made = { ...changes, HostConfig: { ...changes.HostConfig, Binds } };
  const ended = await runShipped(join(folder, 'slot'), ['/probe', ...probe(ground)], made);
  return {
    verdict: verdictOf(ended),
    output: ended.output.trim(),
    outside: neighbour.takeHeard().length + heard - before,
  };
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
